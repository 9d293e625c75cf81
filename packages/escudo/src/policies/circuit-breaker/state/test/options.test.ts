import { describe, expect, test } from 'vitest'
import type { Verdict } from '../../../../core/outcome.ts'
import type { Breaker } from '../breaker.ts'
import type { Permit } from '../permit.ts'
import type { Transition } from '../settings.ts'
import { anyTrip } from '../trips/any-trip.ts'
import { consecutive, failureRate, slowCallRate } from '../trips/trip.ts'
import { breakerWith, call, never } from './setup.ts'

// What the breaker's options promise: slow calls and several trips, Retry-After, observe, ramp, health check.

describe('slow calls', () => {
  const trip = slowCallRate({ threshold: 0.5, slowerThan: 100, window: { calls: 4 }, minimumCalls: 4 })

  test('a slow success counts as slow, a slow failure is both, a quick failure is neither slow nor forgotten', () => {
    const both = anyTrip(trip, failureRate({ threshold: 1, window: { calls: 4 }, minimumCalls: 4 }))
    const { breaker } = breakerWith({ trip: both })
    call(breaker, 'success', 0, undefined, 101)
    expect([breaker.failures(0), breaker.calls(0)]).toEqual([1, 1])
    call(breaker, 'failure', 0, undefined, 100)
    expect([breaker.failures(0), breaker.calls(0)]).toEqual([1, 2])
    call(breaker, 'success', 0, undefined, 3)
    expect(breaker.state).toBe('closed')
    call(breaker, 'failure', 0, undefined, 5_000)
    expect(breaker.state).toBe('open')
  })

  test('an ignored call is not slow, however long it took', () => {
    const { breaker } = breakerWith({ trip })
    for (let n = 0; n < 20; n += 1) call(breaker, 'ignored', n, undefined, 60_000)
    expect([breaker.state, breaker.calls(20)]).toEqual(['closed', 0])
  })

  test('a slow probe has failed, although it succeeded', () => {
    const { breaker, told } = breakerWith({ trip })
    for (let n = 0; n < 4; n += 1) call(breaker, 'success', 0, undefined, 200)
    call(breaker, 'success', 100, 9_000, 101)
    expect(told.at(-1)).toEqual({ from: 'half-open', to: 'open', reason: 'a probe was too slow', at: 100 })
    // What a success says about coming back is no hint of a failure.
    expect(breaker.retryAfterMs(100)).toBe(100)
    call(breaker, 'success', 200, undefined, 100)
    expect(breaker.state).toBe('closed')
  })

  test('any of several: the reason is that of the rule that trips, of two at once that of the first', () => {
    const failing = failureRate({ threshold: 0.5, window: { calls: 4 }, minimumCalls: 4 })
    const cases: [Verdict, number, string][] = [
      ['failure', 1, 'failure rate of 50 %'],
      ['success', 500, 'slow call rate of 50 %'],
      ['failure', 500, 'failure rate of 50 %'],
    ]
    for (const [verdict, durationMs, reason] of cases) {
      const { breaker, told } = breakerWith({ trip: anyTrip(failing, trip) })
      for (let n = 0; n < 4; n += 1) call(breaker, verdict, 0, undefined, durationMs)
      expect(told.map((one) => one.reason)).toEqual([reason])
      expect([breaker.failures(0), breaker.calls(0)]).toEqual([4, 4])
    }
  })

  test('any of several within any of several tells the innermost reason, and shows its count while it is open', () => {
    const slow = slowCallRate({ threshold: 1, slowerThan: 100, window: { calls: 3 }, minimumCalls: 3 })
    const { breaker, told } = breakerWith({ trip: anyTrip(consecutive(9), anyTrip(failureRate(), slow)) })
    for (let n = 0; n < 3; n += 1) call(breaker, 'success', 0, undefined, 500)
    expect(told[0]?.reason).toBe('slow call rate of 100 %')
    expect([breaker.failures(0), breaker.calls(0)]).toEqual([3, 3])
    call(breaker, 'success', 100, undefined, 1)
    // Closed, the first of them is shown again.
    call(breaker, 'failure', 101, undefined, 500)
    expect([breaker.failures(101), breaker.calls(101)]).toEqual([1, 1])
  })
})

describe("the dependency's Retry-After is honoured as open time", () => {
  const openTime = { baseMs: 100, factor: 2, maxMs: 400, retryAfterMaxMs: 1_000 }

  test.each([
    ['shorter than the own open time', 50, 100],
    ['longer', 700, 700],
    ['longer than the maximum', 5_000, 1_000],
    ['without end', Number.POSITIVE_INFINITY, 1_000],
    ['no number', Number.NaN, 100],
    ['negative', -5, 100],
    ['absent', undefined, 100],
  ])('%s', (_name, hintMs, expected) => {
    const { breaker } = breakerWith({ openTime })
    call(breaker, 'failure', 0, hintMs)
    expect(breaker.retryAfterMs(0)).toBe(expected)
    breaker.advance(expected - 1)
    expect(breaker.state).toBe('open')
    breaker.advance(expected)
    expect(breaker.state).toBe('half-open')
  })

  test('also when a probe brings it; the open time goes on growing beside it', () => {
    const { breaker } = breakerWith({ openTime })
    call(breaker, 'failure', 0)
    call(breaker, 'failure', 100, 900)
    expect(breaker.retryAfterMs(100)).toBe(900)
    call(breaker, 'failure', 1_000)
    expect(breaker.retryAfterMs(1_000)).toBe(400)
  })

  test('never shortens an open time of its own that is longer than the maximum', () => {
    const { breaker } = breakerWith({ openTime: { baseMs: 5_000, factor: 1, maxMs: 5_000, retryAfterMaxMs: 1_000 } })
    call(breaker, 'failure', 0, 2_000)
    expect(breaker.retryAfterMs(0)).toBe(5_000)
  })

  test('of a failure that does not open, or of a success that does, changes nothing', () => {
    const trip = failureRate({ threshold: 0.1, window: { calls: 2 }, minimumCalls: 2 })
    const { breaker } = breakerWith({ openTime, trip })
    call(breaker, 'failure', 0, 900)
    call(breaker, 'success', 0, 900)
    expect([breaker.state, breaker.retryAfterMs(0)]).toEqual(['open', 100])
  })
})

describe('observe: counts, changes states and tells of them, refuses nothing', () => {
  test('open lets all through, uncounted', () => {
    const { breaker, told } = breakerWith({ mode: 'observe' })
    call(breaker, 'failure', 0)
    for (let n = 0; n < 50; n += 1) expect(call(breaker, 'failure', 50)).toBe(true)
    expect([breaker.state, breaker.failures(50), breaker.retryAfterMs(50)]).toEqual(['open', 1, 50])
    expect(told).toHaveLength(1)
  })

  test('half-open counts the first N calls as probes, and lets the others pass uncounted', () => {
    const { breaker } = breakerWith({ mode: 'observe', halfOpen: { probes: 2, closeAt: 1, leaseMs: 1_000 } })
    call(breaker, 'failure', 0)
    const tickets = Array.from({ length: 10 }, () => breaker.tryAcquire(100, never) as Permit)
    expect(tickets.filter(({ probe }) => probe)).toHaveLength(2)
    for (const ticket of tickets.slice(2)) expect(breaker.settle(ticket, 'failure', 101)).toBe(true)
    expect(breaker.state).toBe('half-open')
    for (const ticket of tickets.slice(0, 2)) breaker.settle(ticket, 'success', 101)
    expect(breaker.state).toBe('closed')
  })

  test('isolated by hand is shown, and nothing is refused; a ramp holds nobody back', () => {
    const { breaker } = breakerWith({ mode: 'observe', ramp: { steps: [0.05], eachMs: 1_000 } })
    breaker.isolate(0)
    expect(breaker.tryAcquire(0, never)).toBeDefined()
    expect(breaker.state).toBe('isolated')
    breaker.reset(0)
    call(breaker, 'failure', 0)
    call(breaker, 'success', 100)
    expect([breaker.state, breaker.admitting(100)]).toEqual(['closed', undefined])
    expect(breaker.sharedPermit).toBeDefined()
  })
})

describe('the recovery ramp', () => {
  const ramp = { steps: [0.05, 0.25, 0.5], eachMs: 100 }

  function recovered(): { breaker: Breaker; told: Transition[] } {
    const made = breakerWith({ ramp })
    call(made.breaker, 'failure', 0)
    call(made.breaker, 'success', 100)
    expect(made.breaker.state).toBe('closed')
    return made
  }

  test('5, 25, 50, 100 % of the traffic: state closed, steps advance by time', () => {
    const { breaker } = recovered()
    const shares = [100, 199, 200, 299, 300, 399, 400].map((now) => breaker.admitting(now))
    expect(shares).toEqual([0.05, 0.05, 0.25, 0.25, 0.5, 0.5, undefined])
    for (const [now, share] of [
      [150, 0.05],
      [250, 0.25],
      [350, 0.5],
      [400, 1],
    ] as const) {
      let admitted = 0
      for (let n = 0; n < 1_000; n += 1) if (breaker.tryAcquire(now, () => n / 1_000) !== undefined) admitted += 1
      expect([now, admitted / 1_000]).toEqual([now, share])
    }
    expect(breaker.sharedPermit).toBeDefined()
  })

  test('a refusal hints at the next step', () => {
    const { breaker } = recovered()
    expect(breaker.tryAcquire(130, () => 0.05)).toBeUndefined()
    expect(breaker.retryAfterMs(130)).toBe(70)
    expect(breaker.retryAfterMs(399)).toBe(1)
    expect(breaker.retryAfterMs(400)).toBeUndefined()
  })

  test('a trip while traffic returns opens again, and the next ramp begins at its first step', () => {
    const { breaker, told } = recovered()
    const ticket = breaker.tryAcquire(320, () => 0) as Permit
    breaker.settle(ticket, 'failure', 330)
    expect([breaker.state, breaker.admitting(330)]).toEqual(['open', undefined])
    call(breaker, 'success', 430)
    expect([breaker.state, breaker.admitting(430)]).toEqual(['closed', 0.05])
    expect(told.map(({ to }) => to)).toEqual(['open', 'half-open', 'closed', 'open', 'half-open', 'closed'])
  })

  test('an operator who closes or disables by hand gets all the traffic at once', () => {
    const { breaker } = recovered()
    breaker.reset(110)
    expect(breaker.sharedPermit).toBeDefined()
    breaker.isolate(120)
    breaker.reset(130)
    expect(breaker.sharedPermit).toBeDefined()
    const other = recovered().breaker
    other.disable(110)
    expect(other.sharedPermit).toBeDefined()
  })
})

describe('a health check that closes early', () => {
  test('a success closes an open circuit before its time, and a half-open one without its probes', () => {
    for (const now of [40, 150]) {
      const { breaker, told } = breakerWith()
      call(breaker, 'failure', 0)
      breaker.advance(now)
      const { openPeriod } = breaker
      expect(breaker.healthCheckSucceeded(openPeriod as NonNullable<typeof openPeriod>, now)).toBe(true)
      expect(breaker.state).toBe('closed')
      expect(told.at(-1)?.reason).toBe('the health check succeeded')
      expect(breaker.openPeriod).toBeUndefined()
    }
  })

  test('one that began before the circuit opened again says nothing about what came since', () => {
    const { breaker } = breakerWith()
    call(breaker, 'failure', 0)
    const { openPeriod } = breaker
    call(breaker, 'failure', 100)
    expect(breaker.healthCheckSucceeded(openPeriod as NonNullable<typeof openPeriod>, 110)).toBe(false)
    expect(breaker.state).toBe('open')
    breaker.isolate(120)
    expect(breaker.openPeriod).toBeUndefined()
    expect(breaker.healthCheckSucceeded(openPeriod as NonNullable<typeof openPeriod>, 130)).toBe(false)
    expect(breaker.state).toBe('isolated')
  })

  test('traffic returns step by step after it, too', () => {
    const { breaker } = breakerWith({ ramp: { steps: [0.5], eachMs: 100 } })
    call(breaker, 'failure', 0)
    breaker.healthCheckSucceeded(breaker.openPeriod as NonNullable<typeof breaker.openPeriod>, 10)
    expect(breaker.admitting(10)).toBe(0.5)
  })
})
