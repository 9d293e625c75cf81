import { describe, expect, test, vi } from 'vitest'
import {
  type AnyPolicy,
  bulkhead,
  type Call,
  cache,
  coalesce,
  constant,
  currentCall,
  definePolicy,
  fallback,
  hedge,
  type RateLimiterOptions,
  rateLimiter,
  retry,
  type Shield,
  shield,
} from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

const LIMIT = { limit: 10, per: '1s' } as const

const setUp = (options: Partial<RateLimiterOptions> = {}, ...outside: AnyPolicy[]) => {
  const clock = virtualClock()
  const policies = [...outside, rateLimiter({ ...LIMIT, ...options })] as never[]
  const s = shield({ name: 's', clock }, ...policies) as unknown as Shield
  const available = (): unknown => s.status().policies.at(-1)?.['available']
  return { clock, s, available }
}

describe.each(['tokenBucket', 'slidingWindow'] as const)('the cost of a call (%s)', (algorithm) => {
  test('is that many permits; 1 without the option', async () => {
    const { s, available } = setUp({ algorithm })
    await s.run(({ cost }) => expect(cost).toBe(3), { cost: 3 })
    expect(available()).toBe(7)
    await s.run(({ cost }) => expect(cost).toBe(1))
    expect(available()).toBe(6)
    await expect(s.run(() => 1, { cost: 7 })).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    expect(available()).toBe(6)
  })

  test('is corrected by settle: once, downwards and upwards', async () => {
    const { s, available } = setUp({ algorithm })
    await s.run((call) => call.settle(2), { cost: 8 })
    expect(available()).toBe(8)
    await s.run(
      (call) => {
        call.settle(4)
        call.settle(0)
      },
      { cost: 1 },
    )
    expect(available()).toBe(4)
  })

  test('is corrected also by an operation that has taken its call apart', async () => {
    const { s, available } = setUp({ algorithm })
    await s.run(({ settle }) => settle(3), { cost: 5 })
    expect(available()).toBe(7)
  })

  test('is settled by the operation of a flight, for the call that started it', async () => {
    const clock = virtualClock()
    const limiter = rateLimiter({ ...LIMIT, algorithm })
    const s = shield({ name: 's', clock }, limiter, coalesce()) as unknown as Shield
    const work = async (call: Call): Promise<void> => call.settle(1)
    await Promise.all([s.run(work, { cost: 4, key: 'k' }), s.run(work, { cost: 4, key: 'k' })])
    // The second call ran nothing.
    expect(s.status().policies[0]).toMatchObject({ available: 5 })
  })

  test('is settled by the refresh that the call has started', async () => {
    const clock = virtualClock()
    const slow = { ...LIMIT, per: '1h', algorithm } as const
    const values = cache({ ttl: 10, staleWhileRevalidate: '1h' })
    const s = shield({ name: 's', clock }, rateLimiter(slow), values, rateLimiter(slow)) as unknown as Shield
    await s.run(() => 1, { cost: 2, key: 'k' })
    await clock.advance(20)
    await s.run((call) => call.settle(1), { cost: 5, key: 'k' })
    await clock.advance(0)
    const available = s.status().policies.flatMap((policy) => policy['available'] ?? [])
    expect(available.map(Math.floor as never)).toEqual([7, 7])
  })

  test('above a limit that is lowered while the call waits ends the wait, and lets the next call in', async () => {
    const { clock, s } = setUp({ algorithm, maxWait: '1h' })
    await s.run(() => 1, { cost: 10 })
    const waiting = s.run(() => 'large', { cost: 10 }).catch((error) => error)
    const behind = s.run(() => 'small')
    s.reconfigure({ rateLimiter: { limit: 5 } })
    expect(await waiting).toMatchObject({ message: expect.stringContaining('holds at most 5 permits') })
    await clock.advance('1s')
    expect(await behind).toBe('small')
  })

  test('may be settled after the call has ended', async () => {
    const { s, available } = setUp({ algorithm })
    const call = await s.run((call) => call, { cost: 9 })
    expect(available()).toBe(1)
    call.settle(1)
    expect(available()).toBe(9)
  })

  test('settled below what was charged starts a call that waits', async () => {
    const { s, clock } = setUp({ algorithm, maxWait: '10s' })
    const call = await s.run((call) => call, { cost: 10 })
    const started = vi.fn()
    const waiting = s.run(started, { cost: 5 })
    await clock.advance(0)
    expect(started).not.toHaveBeenCalled()
    call.settle(3)
    await waiting
    expect([started.mock.calls.length, clock.now()]).toEqual([1, 0])
  })

  test('settled above what was charged makes the next calls wait, by at most a full limit', async () => {
    const { s, clock, available } = setUp({ algorithm, maxWait: '1h' })
    await s.run((call) => call.settle(1_000_000), { cost: 10 })
    expect(available()).toBe(0)
    let startedAt = -1
    const next = s.run(() => {
      startedAt = clock.now()
    })
    await clock.advance('1m')
    await next
    expect(startedAt).toBeLessThanOrEqual(2_000)
    expect(startedAt).toBeGreaterThan(900)
  })

  test('of a waiting call moves the calls behind it, and they keep their order', async () => {
    const { s, clock } = setUp({ algorithm, maxWait: '10s' })
    await s.run(() => 0, { cost: 10 })
    const order: unknown[] = []
    const calls = [6, 1, 2].map((cost) => s.run(() => void order.push([cost, clock.now()]), { cost }))
    await clock.advance('10s')
    await Promise.all(calls)
    expect(order.map((entry) => (entry as number[])[0])).toEqual([6, 1, 2])
    expect(order[0]).toEqual([6, algorithm === 'tokenBucket' ? 600 : 1_000])
  })

  test('of a call that is cancelled while it waits comes back', async () => {
    const { s, clock, available } = setUp({ algorithm, maxWait: '10s' })
    await s.run(() => 0, { cost: 10 })
    const controller = new AbortController()
    const waiting = s.run(() => 0, { cost: 10, signal: controller.signal }).catch(() => 'aborted')
    await clock.advance(500)
    controller.abort()
    await waiting
    await clock.advance('1s')
    expect(available()).toBe(10)
  })

  test('above the limit is a clear error that no policy retries or replaces', async () => {
    const { s, available } = setUp({ algorithm }, fallback('substitute'), retry({ backoff: constant(0) }))
    const operation = vi.fn()
    await expect(s.run(operation, { cost: 11 })).rejects.toThrow(
      "run.cost: shield 's': the policy 'rateLimiter' holds at most 10 permits, so a call with a cost of 11 would never get them",
    )
    expect([operation.mock.calls.length, available()]).toEqual([0, 10])
  })

  test('is charged for each attempt inside a retry, and settles the attempt that calls settle', async () => {
    const { s, available, clock } = setUp({ algorithm }, retry({ maxRetries: 1, backoff: constant(0) }))
    const call = s.run(
      (call) => {
        if (call.attempt === 1) throw new Error('down')
        call.settle(1)
      },
      { cost: 4 },
    )
    await clock.advance(0)
    await call
    expect(available()).toBe(5)
  })

  test('outside a retry is charged and settled once', async () => {
    const clock = virtualClock()
    const limiter = rateLimiter({ ...LIMIT, algorithm })
    const s = shield({ name: 's', clock }, limiter, retry({ maxRetries: 2, backoff: constant(0) }))
    const call = s.run(
      (call) => {
        call.settle(call.attempt)
        if (call.attempt < 3) throw new Error('down')
      },
      { cost: 8 },
    )
    await clock.advance(0)
    await call
    expect(s.status().policies[0]).toMatchObject({ available: 9 })
  })

  test('of hedged attempts is settled for each of them', async () => {
    const { s, clock, available } = setUp({ algorithm }, hedge({ after: 10 }))
    const call = s.run(
      async (call: Call) => {
        if (call.attempt === 1) {
          await new Promise((resolve) => call.signal.addEventListener('abort', resolve))
          call.settle(3)
        } else call.settle(1)
      },
      { cost: 5 },
    )
    await clock.advance(10)
    await call
    expect(available()).toBe(6)
  })
})

describe('settle', () => {
  test('needs a call with a cost, and a whole number', async () => {
    const { s } = setUp()
    await expect(s.run((call) => call.settle(1))).rejects.toThrow("shield 's': settle() needs a call with a cost")
    for (const actual of [-1, 0.5, Number.NaN, '3', undefined]) {
      await expect(s.run((call) => call.settle(actual as number), { cost: 1 })).rejects.toThrow('settle.actual')
    }
  })

  test('does nothing in a shield without a rate limiter, and while the shield is disabled', async () => {
    const other = shield('other', bulkhead({ limit: 1 }))
    await other.run((call) => call.settle(9), { cost: 5 })
    const { s, available } = setUp()
    s.disable()
    await s.run((call) => call.settle(9), { cost: 5 })
    expect(available()).toBe(10)
  })

  test('works through a custom policy that copies the call, and in wrap()', async () => {
    const renaming = definePolicy({
      name: 'renaming',
      wrap: (next) => (call, operation) => next({ ...call, key: 'other' } as Call, operation),
    })
    const { s, available } = setUp({}, renaming)
    await s.run((call) => call.settle(2), { cost: 6 })
    expect(available()).toBe(8)
    await expect(s.wrap(() => currentCall()?.cost)()).resolves.toBe(1)
  })

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '3', null])('refuses the cost %s', async (cost) => {
    const { s } = setUp()
    await expect(s.run(() => 1, { cost: cost as number })).rejects.toMatchObject({ path: 'run.cost' })
  })
})
