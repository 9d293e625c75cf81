import { describe, expect, test } from 'vitest'
import { TimeoutError } from '../../core/errors.ts'
import { definePolicy } from '../../core/policy.ts'
import { shield } from '../../core/shield.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { resilientFetch } from '../resilient-fetch.ts'
import { fullShield, rejectionOf, serve, settled } from './setup.ts'

describe('before the headers', () => {
  test('reports a timeout as UPSTREAM_TIMEOUT and retries it', async () => {
    let requests = 0
    const baseUrl = await serve((_, response) => {
      requests += 1
      if (requests > 1) response.end('back')
    })
    const { clock, guarded, state } = fullShield()
    const get = resilientFetch({ name: 'x', baseUrl, shield: guarded })
    const answer = get('/')
    await settled()
    await clock.advance('3s')
    expect(await (await answer).text()).toBe('back')
    expect(state()).toMatchObject({ retries: 1 })
  })

  test('does not retry a POST after a timeout', async () => {
    let requests = 0
    const baseUrl = await serve(() => {
      requests += 1
    })
    const { clock, guarded, state } = fullShield()
    const answer = rejectionOf(
      resilientFetch({ name: 'x', baseUrl, shield: guarded })('/', { method: 'POST', body: '1' }),
    )
    await settled()
    await clock.advance('1h')
    const error = await answer
    expect(error).toMatchObject({ code: 'UPSTREAM_TIMEOUT' })
    expect(factsOf(error)).toMatchObject({ status: 504, retry: 'never' })
    expect(state()).toMatchObject({ retries: 0, failures: 1 })
    expect(requests).toBe(1)
  })

  test("rejects with the caller's reason at once, even if fetch ignores its signal", async () => {
    const { guarded } = fullShield()
    const get = resilientFetch({ name: 'x', shield: guarded, fetch: () => new Promise(() => {}) })
    const abort = new AbortController()
    const answer = rejectionOf(get('http://x/', { signal: abort.signal }))
    abort.abort('gone home')
    expect(await answer).toBe('gone home')
    expect(await rejectionOf(get('http://x/', { signal: AbortSignal.abort('before') }))).toBe('before')
    expect(await rejectionOf(get(new Request('http://x/', { signal: AbortSignal.abort('before') })))).toBe('before')
  })

  test('passes on an outer TimeoutError that aborts through init.signal', async () => {
    const reason = new TimeoutError({ shield: 'outer', policy: 'timeout', stacks: false }, 5)
    const abort = new AbortController()
    const get = resilientFetch({ name: 'x', shield: false, fetch: (_, init) => untilAborted(init?.signal) })
    const answer = rejectionOf(get('http://x/', { signal: abort.signal }))
    abort.abort(reason)
    expect(await answer).toBe(reason)
  })

  test('discards the body of a fetch that returns after the timeout', async () => {
    const { clock, guarded, state } = fullShield()
    let cancelled = 0
    let respond = (): void => {}
    const late = () =>
      new Promise<Response>((resolve) => {
        const cancel = (): void => {
          cancelled += 1
        }
        respond = () => resolve(new Response(new ReadableStream({ cancel })))
      })
    const answer = rejectionOf(
      resilientFetch({ name: 'x', shield: guarded, fetch: late })('http://x/', { method: 'POST' }),
    )
    await clock.advance('2s')
    expect(await answer).toMatchObject({ code: 'UPSTREAM_TIMEOUT' })
    respond()
    await settled()
    expect(cancelled).toBe(1)
    expect(state()).toMatchObject({ inUse: 0 })
  })
})

describe('two concurrent attempts', () => {
  test('the first response is delivered and cancelling the other leaves its body intact', async () => {
    let requests = 0
    let slower: { destroyed: boolean } | undefined
    const baseUrl = await serve((request, response) => {
      requests += 1
      if (requests === 1) {
        slower = request.socket
        setTimeout(() => response.write('slow'), 30)
      } else {
        response.write('fast ')
        setTimeout(() => response.end('body'), 80)
      }
    })
    const both = definePolicy({
      name: 'both',
      wrap: (next) => (call, operation) => Promise.race([next(call, operation), next(call, operation)]),
    })
    const response = await resilientFetch({ name: 'x', baseUrl, shield: shield('x', both, timeout('9s')) })('/')
    expect(await response.text()).toBe('fast body')
    await settled()
    expect(slower?.destroyed).toBe(true)
  })
})

function untilAborted(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
}
