import { getEventListeners } from 'node:events'
import {
  adaptiveLimiter,
  adaptiveThrottle,
  bulkhead,
  type Call,
  cache,
  circuitBreaker,
  coalesce,
  consecutive,
  constant,
  fallback,
  hedge,
  rateLimiter,
  retry,
  retryBudget,
  type ShieldStatus,
  shield,
  timeout,
} from 'escudo'
import { virtualClock } from 'escudo/testing'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { CountingClock } from './conservation/counting-clock.ts'

// As nth-step.test.ts, with all policies in one shield: a fault at the Nth await, for every N.

const DOWN = new Error('down')
const EVENTS = [
  'stateChange',
  'retry',
  'hedge',
  'timeout',
  'rejected',
  'fallback',
  'stale',
  'late',
  'executed',
] as const

const unhandled: unknown[] = []
const onUnhandled = (reason: unknown): void => void unhandled.push(reason)
beforeEach(() => void process.on('unhandledRejection', onUnhandled))
afterEach(() => {
  process.off('unhandledRejection', onUnhandled)
  expect(unhandled).toEqual([])
})

function setUp() {
  const clock = virtualClock()
  const shieldClock = new CountingClock(clock)
  const budget = retryBudget({ minPerSecond: 100 })
  const s = shield(
    { name: 'all', clock: shieldClock, random: () => 0.95 },
    fallback('fallback', { when: (error) => error === 'never' }),
    rateLimiter({ limit: 2, per: '2ms', maxWait: '10s', name: 'rate' }),
    cache({ ttl: '1s', staleWhileRevalidate: '2s', staleIfError: '3s' }),
    coalesce(),
    timeout('60s', { name: 'total' }),
    retry({ maxRetries: 2, backoff: constant(5), budget }),
    hedge({ after: 4, budget }),
    adaptiveThrottle(),
    circuitBreaker({ trip: consecutive(1_000) }),
    bulkhead({ limit: 1, queue: 2 }),
    adaptiveLimiter(),
    timeout('20s', { name: 'attempt' }),
  )
  return { clock, shieldClock, s }
}

const of = (status: ShieldStatus, type: string): object =>
  status.policies.find((policy) => policy.type === type) as object

function expectNothingLeft({ shieldClock, s }: ReturnType<typeof setUp>, signal?: AbortSignal): void {
  const status = s.status()
  expect(of(status, 'bulkhead')).toMatchObject({ inUse: 0, queued: 0 })
  expect(of(status, 'adaptiveLimiter')).toMatchObject({ inFlight: 0 })
  expect(of(status, 'coalesce')).toMatchObject({ flights: 0, waiting: 0 })
  expect(of(status, 'rateLimiter')).toMatchObject({ available: 2, queued: 0 })
  expect(of(status, 'circuitBreaker')).toMatchObject({ state: 'closed' })
  expect(shieldClock.pending).toBe(0)
  if (signal !== undefined) expect(getEventListeners(signal, 'abort')).toEqual([])
}

/** An operation with several awaits, for microtasks and for a timer. Calls `step` before each. */
function operation(clock: ReturnType<typeof virtualClock>, step: (call: Call) => void) {
  return async (call: Call): Promise<string> => {
    const { signal } = call
    step(call)
    await undefined
    step(call)
    await new Promise<void>((resolve, reject) => {
      const cancel = clock.setTimer(resolve, 3)
      signal.addEventListener('abort', () => {
        cancel()
        reject(signal.reason)
      })
    })
    step(call)
    await Promise.resolve().then(() => undefined)
    step(call)
    return 'value'
  }
}

const STEPS = 4

describe('a failure at the Nth await, for every N', () => {
  test('of one attempt: another attempt succeeds', async () => {
    for (let failAt = 1; failAt <= STEPS; failAt += 1) {
      const set = setUp()
      let steps = 0
      const outcome = set.s.run(
        operation(set.clock, () => {
          steps += 1
          if (steps === failAt) throw DOWN
        }),
        { key: 'k' },
      )
      await set.clock.advance('10s')
      expect(await outcome).toBe('value')
      expect(steps).toBe(failAt + STEPS)
      expectNothingLeft(set)
    }
  })

  test('and at every later one: rejects with the error after three attempts, each hedged', async () => {
    for (let failAt = 1; failAt <= STEPS; failAt += 1) {
      const set = setUp()
      let steps = 0
      const attempts = new Set<number>()
      const outcome = set.s
        .run(
          operation(set.clock, ({ attempt }) => {
            attempts.add(attempt)
            steps += 1
            if (steps >= failAt) throw DOWN
          }),
          { key: 'k' },
        )
        .catch((error) => error)
      await set.clock.advance('10s')
      expect(await outcome).toBe(DOWN)
      expect(of(set.s.status(), 'retry')).toMatchObject({ calls: 1, retries: 2, exhausted: 1 })
      expect(of(set.s.status(), 'hedge')).toMatchObject({ calls: 3, hedges: 3, wins: 0 })
      expect([...attempts]).toEqual([1, 2, 3, 4])
      expectNothingLeft(set)
    }
  })
})

describe('an abort at the Nth await, for every N', () => {
  test('from outside, with five calls in a queue, two of them in one flight', async () => {
    const outcomes = new Set<unknown>()
    let n = 0
    for (let ended = false; !ended; n += 1) {
      const set = setUp()
      const controller = new AbortController()
      let [aborted, calledAfter, settled] = [false, 0, 0]
      const run = (key: string) => {
        let attempts = 0
        return set.s
          .run(
            async (call) => {
              if (aborted) calledAfter += 1
              attempts += 1
              const attempt = attempts
              await operation(set.clock, () => {})(call)
              if (attempt < 2) throw DOWN
              return 'value'
            },
            { signal: controller.signal, deadline: '30s', key },
          )
          .catch((error) => error)
      }
      const calls = ['a', 'a', 'b', 'c', 'd'].map(run)
      for (const call of calls) void call.then(() => (settled += 1))
      for (let step = 0; step < n; step += 1) {
        // Most steps are microtasks; every fortieth advances the clock.
        if (step % 40 === 39) await set.clock.advance(1)
        else await undefined
      }
      ended = settled === calls.length
      controller.abort('gone')
      aborted = true
      await set.clock.advance('10s')
      for (const outcome of await Promise.all(calls)) outcomes.add((outcome as { code?: string }).code ?? outcome)
      expect(calledAfter).toBe(0)
      expectNothingLeft(set, controller.signal)
      expect(n).toBeLessThan(5_000)
    }
    expect([...outcomes].sort()).toEqual(['BULKHEAD_FULL', 'gone', 'value'])
    expect(n).toBeGreaterThan(100)
  })

  test('of one caller of a flight: the other caller still receives the value', async () => {
    for (let n = 0; n < 400; n += 1) {
      const set = setUp()
      const controller = new AbortController()
      const load = operation(set.clock, () => {})
      const aborted = set.s.run(load, { key: 'k', signal: controller.signal }).catch((error) => error)
      const waiting = set.s.run(load, { key: 'k' })
      for (let step = 0; step < n; step += 1) {
        if (step % 40 === 39) await set.clock.advance(1)
        else await undefined
      }
      controller.abort('gone')
      await set.clock.advance('10s')
      expect(await waiting).toBe('value')
      expect(['gone', 'value']).toContain(await aborted)
      expectNothingLeft(set, controller.signal)
    }
  })
})

test('a listener that throws at the Nth event, for every N, changes nothing', async () => {
  const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const play = async (throwAt: number): Promise<{ readonly events: number; readonly trace: unknown[] }> => {
    const { clock, shieldClock, s } = setUp()
    let events = 0
    for (const event of EVENTS) {
      s.on(event, () => {
        events += 1
        if (events === throwAt) throw new Error('a listener is broken')
      })
    }
    const trace: unknown[] = []
    const run = async (act: () => unknown, forMs: number): Promise<void> => {
      const call = s.run(act, { key: 'k' }).catch((error) => error.code ?? error)
      await clock.advance(forMs)
      trace.push(await call, clock.now(), s.status())
    }
    await run(() => Promise.reject(DOWN), 1_000)
    await run(() => new Promise(() => {}), 61_000)
    await run(() => 'value', 1_500)
    // Stale: the background refresh fails, and later the stale value replaces a failure.
    await run(() => Promise.reject(DOWN), 2_000)
    await run(() => Promise.reject(DOWN), 2_000)
    await run(() => 'back', 10_000)
    trace.push(shieldClock.pending)
    return { events, trace }
  }
  const undisturbed = await play(0)
  expect(undisturbed.events).toBeGreaterThan(30)
  for (let throwAt = 1; throwAt <= undisturbed.events; throwAt += 1) {
    expect(await play(throwAt)).toEqual(undisturbed)
  }
  warnings.mockRestore()
})
