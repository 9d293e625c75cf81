import {
  type AnyPolicy,
  adaptiveLimiter,
  adaptiveThrottle,
  bulkhead,
  type Clock,
  circuitBreaker,
  consecutive,
  constant,
  hedge,
  type Operation,
  type RunOptions,
  rateLimiter,
  retry,
  retryBudget,
  type Shield,
  shield,
  systemClock,
  timeout,
} from 'escudo'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

const build = shield as unknown as (options: object, ...policies: readonly AnyPolicy[]) => Shield
const codeOf = (error: { readonly code?: string; readonly message?: string }): unknown => error.code ?? error.message
const never = (): Promise<never> => new Promise(() => {})

describe('a delay above 2³¹−1 ms is waited for in full', () => {
  const DAYS_30 = 30 * 24 * 3_600_000
  const HALF = DAYS_30 / 2

  // The timers of the system clock, with the time of the fake timers.
  const driven: Clock = {
    now: () => vi.getMockedSystemTime()?.getTime() ?? 0,
    setTimer: systemClock.setTimer,
  }

  // The runtime's timers are under test. Fake ones replace them, so that the tests do not wait.
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  // A policy alone, the operation, and the outcome after 30 days. After 15 days there is none.
  const failing = vi.fn(() => Promise.reject(new Error('down')))
  const waits: readonly (readonly [string, () => readonly AnyPolicy[], Operation<unknown>, string, RunOptions?])[] = [
    ['timeout', () => [timeout(DAYS_30)], never, 'TIMEOUT'],
    ['a deadline', () => [], never, 'DEADLINE_EXCEEDED', { deadline: DAYS_30 }],
    ['a backoff', () => [retry({ maxRetries: 1, backoff: constant(DAYS_30) })], failing, 'down'],
    ["bulkhead's maxWait", () => [full(bulkhead({ limit: 1, queue: 1, maxWait: DAYS_30 }))], never, 'BULKHEAD_FULL'],
    [
      "rateLimiter's maxWait",
      () => [full(rateLimiter({ limit: 1, per: DAYS_30, maxWait: DAYS_30 }))],
      () => Promise.reject(new Error('admitted')),
      'admitted',
    ],
    [
      'hedge',
      () => [hedge({ after: DAYS_30 })],
      hedged(() => Promise.reject(Object.assign(new Error('hedged'), { code: 'HEDGED' }))),
      'HEDGED',
    ],
  ]

  function full(policy: AnyPolicy): AnyPolicy {
    void build({ name: 'other', clock: driven }, policy).run(() => new Promise(() => {}))
    return policy
  }

  /** The first attempt fails when the second one starts. The second one runs `second`. */
  function hedged(second: () => Promise<never>): (call: { readonly attempt: number }) => Promise<unknown> {
    let fail: (error: Error) => void = () => {}
    return ({ attempt }) => {
      if (attempt === 1) return new Promise((_, reject) => (fail = reject))
      fail(new Error('first'))
      return second()
    }
  }

  test.each(waits.map((wait) => [wait[0], wait] as const))(
    '%s',
    async (_what, [, policies, operation, code, options]) => {
      const outcomes: unknown[] = []
      const s = build({ name: 's', clock: driven }, ...policies())
      s.run(operation, options).then(
        (value) => outcomes.push(value),
        (error) => outcomes.push(codeOf(error)),
      )
      await vi.advanceTimersByTimeAsync(HALF)
      expect(outcomes).toEqual([])
      await vi.advanceTimersByTimeAsync(HALF + 1)
      expect(outcomes).toEqual([code])
    },
  )

  test("circuitBreaker's openFor", async () => {
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: DAYS_30 })
    const s = build({ name: 's', clock: driven }, breaker)
    await s.run(failing).catch(() => {})
    await vi.advanceTimersByTimeAsync(HALF)
    expect(breaker.state).toBe('open')
    await vi.advanceTimersByTimeAsync(HALF + 1)
    expect(breaker.state).toBe('half-open')
  })
})

/** A clock whose timers all fire together when the event loop is free again. */
class BlockedClock implements Clock {
  #now = 0
  readonly #timers = new Set<{ readonly fire: () => void; readonly dueMs: number }>()

  now(): number {
    return this.#now
  }

  setTimer(fire: () => void, delayMs: number): () => void {
    const timer = { fire, dueMs: this.#now + delayMs }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** Advances the time without firing timers. */
  block(ms: number): void {
    this.#now += ms
  }

  /** Fires the timers that have fallen due, in the order in which they were due. */
  async free(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    const due = [...this.#timers].filter(({ dueMs }) => dueMs <= this.#now).sort((a, b) => a.dueMs - b.dueMs)
    for (const timer of due) {
      if (!this.#timers.delete(timer)) continue
      timer.fire()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

describe('an event loop that was blocked for 30 s accumulates no credit', () => {
  test.each(['tokenBucket', 'slidingWindow'] as const)('rateLimiter, %s', async (algorithm) => {
    const clock = new BlockedClock()
    const s = build({ name: 's', clock }, rateLimiter({ limit: 10, per: '1s', algorithm }))
    const burst = async (): Promise<number> => {
      let passed = 0
      await Promise.all(Array.from({ length: 500 }, () => s.run(() => (passed += 1)).catch(() => {})))
      return passed
    }
    expect(await burst()).toBe(10)
    clock.block(30_000)
    expect(await burst()).toBe(10)
    expect(await burst()).toBe(0)
  })

  test('rateLimiter with waiting calls: admits them at the usual rate', async () => {
    const clock = new BlockedClock()
    const s = build({ name: 's', clock }, rateLimiter({ limit: 10, per: '1s', maxWait: '60s' }))
    let passed = 0
    const calls = Array.from({ length: 100 }, () => s.run(() => (passed += 1)))
    expect(passed).toBe(10)
    clock.block(30_000)
    await clock.free()
    // At most one more full bucket, not the 300 permits of 30 s.
    expect(passed).toBeLessThanOrEqual(20)
    for (let second = 0; second < 20; second += 1) {
      clock.block(1_000)
      const before = passed
      await clock.free()
      expect(passed - before).toBeLessThanOrEqual(10)
    }
    await Promise.all(calls)
    expect(passed).toBe(100)
  })

  test('retryBudget, through a retry', async () => {
    const clock = new BlockedClock()
    const budget = retryBudget({ ratio: 0, minPerSecond: 1, ttl: '10s' })
    const s = build({ name: 's', clock }, retry({ maxRetries: 1, backoff: constant(0), budget }))
    const retries = async (): Promise<number> => {
      let calls = 0
      const down = (): Promise<never> => {
        calls += 1
        return Promise.reject(new Error('down'))
      }
      const all = Array.from({ length: 100 }, () => s.run(down).catch(() => {}))
      await clock.free()
      await Promise.all(all)
      return calls - 100
    }
    expect(await retries()).toBe(10)
    clock.block(30_000)
    // `minPerSecond` for one ttl, not for 30 s.
    expect(await retries()).toBe(10)
  })

  test('adaptiveThrottle: drops the old counts, and allows no more calls than before', async () => {
    const clock = new BlockedClock()
    const s = build({ name: 's', clock, random: () => 0.5 }, adaptiveThrottle({ window: '10s' }))
    const calls = async (): Promise<number> => {
      let called = 0
      const down = (): Promise<never> => {
        called += 1
        return Promise.reject(new Error('down'))
      }
      for (let n = 0; n < 100; n += 1) await s.run(down).catch(() => {})
      return called
    }
    const first = await calls()
    clock.block(30_000)
    expect(await calls()).toBe(first)
  })

  test('a timeout, a deadline and a wait in a queue end once, and leave nothing behind', async () => {
    const clock = new BlockedClock()
    const s = build({ name: 's', clock }, bulkhead({ limit: 1, queue: 2, maxWait: '5s' }), timeout('10s'))
    const outcomes: unknown[] = []
    for (const deadline of ['20s', '1s', '20s'] as const) {
      s.run(never, { deadline }).catch((error) => outcomes.push(codeOf(error)))
    }
    clock.block(30_000)
    await clock.free()
    await clock.free()
    expect(outcomes.sort()).toEqual(['BULKHEAD_FULL', 'DEADLINE_EXCEEDED', 'TIMEOUT'])
    expect(s.status().policies[0]).toMatchObject({ inUse: 0, queued: 0 })
  })

  test('a breaker whose open period has ended lets exactly N probes through', async () => {
    const clock = new BlockedClock()
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '1s', halfOpen: { probes: 3 } })
    const s = build({ name: 's', clock }, breaker, adaptiveLimiter())
    await s.run(() => Promise.reject(new Error('down'))).catch(() => {})
    clock.block(30_000)
    let probes = 0
    const calls = Array.from({ length: 100 }, () =>
      s.run(() => {
        probes += 1
        return never()
      }),
    )
    for (const call of calls) call.catch(() => {})
    await clock.free()
    expect(probes).toBe(3)
  })
})
