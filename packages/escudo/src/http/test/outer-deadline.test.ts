import { describe, expect, test } from 'vitest'
import { shield } from '../../core/shield.ts'
import { retry } from '../../policies/retry/retry.ts'
import { constant } from '../../policies/retry/state/backoff.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { resilientFetch } from '../resilient-fetch.ts'
import { retryOnce } from './setup.ts'

/** A client without a shield, and the headers that it sends. */
function recording(failures = 0) {
  const sent: (string | null)[][] = []
  const get = resilientFetch({
    name: 'x',
    shield: false,
    errors: 'throw',
    fetch: async (_, init) => {
      const headers = new Headers(init?.headers)
      sent.push([headers.get('x-request-timeout-ms'), headers.get('x-retry-attempt')])
      return new Response('', { status: sent.length > failures ? 200 : 503 })
    },
  })
  return { get, sent }
}

describe('inside an operation of a shield, the client sends its deadline', () => {
  test('from run, known by call.signal', async () => {
    const { get, sent } = recording()
    const clock = virtualClock()
    const outer = shield({ name: 'outer', clock }, timeout('5s'))
    await outer.run(async (call) => {
      await get('http://x/', { signal: call.signal })
      await clock.advance('2s')
      await get('http://x/', { signal: call.signal })
    })
    expect(sent).toEqual([
      ['5000', null],
      ['3000', null],
    ])
  })

  test("from run's own deadline, or the earlier of it and a timeout", async () => {
    const { get, sent } = recording()
    const bare = shield({ name: 'outer', clock: virtualClock() })
    const timed = shield({ name: 'outer', clock: virtualClock() }, timeout('5s'))
    for (const outer of [bare, timed]) {
      for (const deadline of ['1s', '9s'] as const) {
        await outer.run(({ signal }) => get('http://x/', { signal }), { deadline })
      }
    }
    expect(sent.map(([ms]) => ms)).toEqual(['1000', '9000', '1000', '5000'])
  })

  test('from wrap, with or without the signal', async () => {
    const { get, sent } = recording()
    const outer = shield({ name: 'outer', clock: virtualClock() }, timeout('5s'))
    await outer.wrap(() => get('http://x/'))()
    expect(sent).toEqual([['5000', null]])
  })

  test('of every shield around it, the earliest: nested runs, each with the signal of the outer one', async () => {
    const { get, sent } = recording()
    const clock = virtualClock()
    const outer = shield({ name: 'outer', clock }, timeout('3s'))
    const middle = shield({ name: 'middle', clock }, retryOnce())
    const inner = shield({ name: 'inner', clock }, timeout('5s'))
    await outer.run(({ signal }) =>
      middle.run(({ signal }) => inner.run(({ signal }) => get('http://x/', { signal }), { signal }), { signal }),
    )
    await inner.run(({ signal }) => outer.run(({ signal }) => get('http://x/', { signal }), { signal }))
    expect(sent.map(([ms]) => ms)).toEqual(['3000', '3000'])
  })

  test('with the attempt of each retry, also where the attempts share a signal', async () => {
    for (const policies of [[retryOnce(), timeout('5s')], [timeout('5s'), retryOnce()], [retryOnce()]] as const) {
      const { get, sent } = recording(1)
      await shield('outer', ...policies).run(({ signal }) => get('http://x/', { signal }))
      expect(sent.map(([, attempt]) => attempt)).toEqual([null, '2'])
    }
  })

  test('in its own time, where the shields have different clocks', async () => {
    const { get, sent } = recording()
    const ahead = virtualClock()
    await ahead.advance('1h')
    const outer = shield({ name: 'outer', clock: ahead }, timeout('3s'))
    const inner = shield({ name: 'inner', clock: virtualClock() }, timeout('5s'))
    await outer.run(({ signal }) => inner.run(({ signal }) => get('http://x/', { signal }), { signal }))
    expect(sent.map(([ms]) => ms)).toEqual(['3000'])
  })

  test('to a client that has a shield itself', async () => {
    const clock = virtualClock()
    const sent: (string | null)[] = []
    const get = resilientFetch({
      name: 'x',
      shield: shield({ name: 'x', clock }, retry({ maxRetries: 1, backoff: constant('1s') }), timeout('9s')),
      fetch: async (_, init) => {
        sent.push(new Headers(init?.headers).get('x-request-timeout-ms'))
        return new Response('')
      },
    })
    await shield({ name: 'outer', clock }, timeout('3s')).run(({ signal }) => get('http://x/', { signal }))
    expect(sent).toEqual(['3000'])
  })
})

describe('the client sends no deadline', () => {
  test('for a signal that belongs to no call, or to a call without a deadline', async () => {
    const { get, sent } = recording()
    await get('http://x/', { signal: new AbortController().signal })
    await get('http://x/', { signal: AbortSignal.timeout(60_000) })
    await shield('outer', retryOnce()).run(({ signal }) => get('http://x/', { signal }))
    await shield('outer').run(({ signal }) => get('http://x/', { signal }), { signal: new AbortController().signal })
    expect(sent).toEqual(Array(4).fill([null, null]))
  })
})
