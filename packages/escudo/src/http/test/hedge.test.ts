import { describe, expect, test } from 'vitest'
import { definePolicy } from '../../core/policy.ts'
import { shield } from '../../core/shield.ts'
import { bulkhead } from '../../policies/bulkhead/bulkhead.ts'
import { hedge } from '../../policies/hedge/hedge.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { arrived, type Seen, setUp } from './hedge-setup.ts'
import { settled } from './setup.ts'

const FIRST_HANGS = ({ number, response }: Seen): void => {
  if (number > 1) response.end(`answer ${number}`)
}

describe('a hedged GET', () => {
  test('is sent again after the delay; the cancelled loser counts as no failure', async () => {
    const { clock, get, requests, state } = await setUp(FIRST_HANGS)
    const response = get('/')
    await arrived(requests, 1)
    await clock.advance(100)
    expect(await (await response).text()).toBe('answer 2')
    await requests[0]?.closed
    expect(requests[0]?.response.writableFinished).toBe(false)
    expect(requests[1]?.request.headers['x-retry-attempt']).toBe('2')
    await settled()
    expect(state()).toEqual({ calls: 1, hedges: 1, wins: 1, breaker: 'closed', failures: 0, inUse: 0 })
    expect(clock.pending).toBe(0)
  })

  test("cancels the loser at the winner's headers, not at the end of its body", async () => {
    const { clock, get, requests, state } = await setUp(({ number, response }) => {
      if (number === 2) response.write('first ')
    })
    const pending = get('/')
    await arrived(requests, 1)
    await clock.advance(100)
    const response = await pending
    await requests[0]?.closed
    await settled()
    // The winner keeps its permit until its body ends; the loser has released its own.
    expect(state()).toMatchObject({ hedges: 1, wins: 1, inUse: 1 })
    requests[1]?.response.end('second')
    expect(await response.text()).toBe('first second')
    await settled()
    expect(state()).toMatchObject({ breaker: 'closed', failures: 0, inUse: 0 })
  })

  test('is not hedged after its headers, even if its body is slow', async () => {
    const { clock, get, requests, state } = await setUp(({ response }) => void response.write('first '))
    const response = await get('/')
    await clock.advance(5_000)
    requests[0]?.response.end('second')
    expect(await response.text()).toBe('first second')
    expect(requests).toHaveLength(1)
    expect(state()).toMatchObject({ calls: 1, hedges: 0 })
  })

  test('takes the time to its headers as its latency', async () => {
    const { clock, get, guarded } = await setUp(({ response }) => void response.write('x'), {
      after: { quantile: 0.5, initial: '1h' },
    })
    for (let call = 1; call <= 20; call += 1) {
      const response = await get('/')
      await clock.advance('1s')
      await response.body?.cancel()
    }
    // On this clock the headers take no time.
    expect(guarded.status().policies[0]).toMatchObject({ delayMs: 0.1 })
  })

  test('cancels the body of a loser that has responded and closes its connection', async () => {
    const cancelled: number[] = []
    let number = 0
    // Both responses come in one tick, so the second arrives before its attempt can be cancelled.
    const gate: (() => void)[] = []
    const { clock, get, requests, state } = await setUp(
      ({ response }) => void response.write('x'.repeat(1_000)),
      {},
      {
        fetch: async (input, init) => {
          number += 1
          const attempt = number
          const { signal: _ignored, ...rest } = init ?? {}
          const response = await fetch(input as string, rest)
          const body = response.body as ReadableStream<Uint8Array>
          const cancel = body.cancel.bind(body)
          body.cancel = async (reason) => {
            cancelled.push(attempt)
            await cancel(reason)
          }
          await new Promise<void>((resolve) => gate.push(resolve))
          return response
        },
      },
    )
    const pending = get('/')
    await arrived(requests, 1)
    await clock.advance(100)
    await arrived(requests, 2)
    await settled()
    for (const open of gate) open()
    const response = await pending
    // By the client, at once. The runtime would cancel it only at garbage collection.
    expect(cancelled).toEqual([2])
    await requests[1]?.closed
    await response.body?.cancel()
    await requests[0]?.closed
    await settled()
    expect(state()).toEqual({ calls: 1, hedges: 1, wins: 0, breaker: 'closed', failures: 0, inUse: 0 })
  })

  test('is sent again at once on a failure; the last failure becomes the response', async () => {
    const { clock, get, requests } = await setUp(
      ({ number, response }) => {
        response.statusCode = number === 1 ? 500 : 503
        response.end(`failure ${number}`)
      },
      { name: 'h' },
      { shield: shield({ name: 'y', clock: virtualClock() }, hedge({ after: 100 })) },
    )
    const response = await get('/')
    expect([response.status, await response.text()]).toEqual([503, 'failure 2'])
    expect(requests).toHaveLength(2)
    expect(clock.pending).toBe(0)
  })

  test('waits for a running hedge after a failure and discards the failed body', async () => {
    const { clock, get, requests } = await setUp(
      () => {},
      {},
      {
        shield: shield({ name: 'y' }, hedge({ after: 20 })),
      },
    )
    const pending = get('/')
    await arrived(requests, 2)
    const [first, second] = requests
    if (first !== undefined) {
      first.response.statusCode = 500
      first.response.end('x'.repeat(200_000))
    }
    await settled()
    second?.response.end('fine')
    expect(await (await pending).text()).toBe('fine')
    await first?.closed
    expect(requests).toHaveLength(2)
    expect(clock.pending).toBe(0)
  })

  test('takes a 404 as a response in both error modes and sends nothing more', async () => {
    for (const errors of ['fetch', 'throw'] as const) {
      const { clock, get, requests, state } = await setUp(
        ({ number, response }) => {
          response.statusCode = 404
          if (number > 1) response.end('not found')
        },
        { maxHedges: 5 },
        { errors },
      )
      const outcome = get('/').then(
        ({ status }) => status,
        ({ status }) => status,
      )
      await arrived(requests, 1)
      await clock.advance(100)
      expect(await outcome).toBe(404)
      await requests[0]?.closed
      await settled()
      expect(requests).toHaveLength(2)
      expect(state()).toMatchObject({ hedges: 1, wins: 1, failures: 0, inUse: 0 })
    }
  })

  test("aborts all attempts with the caller's reason", async () => {
    const { clock, get, requests, state } = await setUp(() => {}, { maxHedges: 2 })
    const abort = new AbortController()
    const outcome = get('/', { signal: abort.signal }).catch((error: unknown) => error)
    await arrived(requests, 1)
    await clock.advance(100)
    await clock.advance(100)
    await arrived(requests, 3)
    const reason = new Error('gone home')
    abort.abort(reason)
    expect(await outcome).toBe(reason)
    await Promise.all(requests.map(({ closed }) => closed))
    await settled()
    expect(state()).toMatchObject({ wins: 0, breaker: 'closed', failures: 0, inUse: 0 })
    expect(clock.pending).toBe(0)
  })
})

test("a call lasts until the winner's body ends, even if a policy catches the loser's error", async () => {
  const swallow = definePolicy<unknown, null>({
    name: 'swallow',
    wrap: (next) => async (call, operation) => {
      try {
        return await next(call, operation)
      } catch {
        return null
      }
    },
  })
  const clock = virtualClock()
  // The cast is needed: the types reject this shield.
  const guarded = shield({ name: 'y', clock }, bulkhead({ limit: 1 }), hedge({ after: 100 }), swallow) as never
  const { get, requests } = await setUp(
    ({ number, response }) => void (number === 2 && response.write('x')),
    {},
    {
      shield: guarded,
    },
  )
  const pending = get('/')
  await arrived(requests, 1)
  await clock.advance(100)
  const response = await pending
  await requests[0]?.closed
  await settled()
  const inUse = () => (guarded as { status(): { policies: { inUse: number }[] } }).status().policies[0]?.inUse
  expect(inUse()).toBe(1)
  requests[1]?.response.end('y')
  expect(await response.text()).toBe('xy')
  await settled()
  expect(inUse()).toBe(0)
})

test('stops all nested hedges once a response is delivered', async () => {
  const clock = virtualClock()
  const nested = shield({ name: 'y', clock }, hedge({ after: 100 }), hedge({ after: 30, name: 'in' }))
  const { get, requests } = await setUp(
    ({ number, response }) => void (number === 3 && response.write('x')),
    {},
    {
      shield: nested,
    },
  )
  const pending = get('/')
  await arrived(requests, 1)
  await clock.advance(110)
  const response = await pending
  await Promise.all(requests.filter((_, index) => index !== 2).map(({ closed }) => closed))
  const hedges = () => nested.status().policies.map((policy) => policy['hedges'])
  const before = hedges()
  await clock.advance('1m')
  expect(hedges()).toEqual(before)
  expect(requests).toHaveLength(3)
  await response.body?.cancel()
  await settled()
  expect(clock.pending).toBe(0)
})
