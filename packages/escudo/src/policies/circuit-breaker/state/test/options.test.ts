import { describe, expect, test } from 'vitest'
import type { Verdict } from '../../../../core/outcome.ts'
import type { Breaker } from '../breaker.ts'
import type { Permit } from '../permit.ts'
import type { Transition } from '../settings.ts'
import { anyTrip } from '../trips/any-trip.ts'
import { consecutive, failureRate, slowCallRate } from '../trips/trip.ts'
import { breakerWith, call, noRandom } from './setup.ts'

// The options of the breaker: slow calls and several trips, Retry-After, observe, ramp, health check.

describe('slow calls', () => {
  const trip = slowCallRate({ threshold: 0.5, slowerThan: 100, window: { calls: 4 }, minimumCalls: 4 })

  test('a slow failure is slow and failed; a fast failure is only failed; a slow success only slow', () => {
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

  test('an ignored call is not counted as slow, whatever its duration', () => {
    const { breaker } = breakerWith({ trip })
    for (let n = 0; n < 20; n += 1) call(breaker, 'ignored', n, undefined, 60_000)
    expect([breaker.state, breaker.calls(20)]).toEqual(['closed', 0])
  })

  test('a slow probe counts as failed, even if it succeeded', () => {
    const { breaker, transitions } = breakerWith({ trip })
    for (let n = 0; n < 4; n += 1) call(breaker, 'success', 0, undefined, 200)
    call(breaker, 'success', 100, 9_000, 101)
    expect(transitions.at(-1)).toMatchObject({ from: 'half-open', to: 'open', reason: 'a probe was too slow', at: 100 })
    // The hint of a success does not extend the open period.
    expect(breaker.retryAfterMs(100)).toBe(100)
    call(breaker, 'success', 200, undefined, 100)
    expect(breaker.state).toBe('closed')
  })

  test('anyTrip: the reason is that of the trip that opened the circuit, or of the first of two', () => {
    const failing = failureRate({ threshold: 0.5, window: { calls: 4 }, minimumCalls: 4 })
    const cases: [Verdict, number, string][] = [
      ['failure', 1, 'failure rate of 50 %'],
      ['success', 500, 'slow call rate of 50 %'],
      ['failure', 500, 'failure rate of 50 %'],
    ]
    for (const [verdict, durationMs, reason] of cases) {
      const { breaker, transitions } = breakerWith({ trip: anyTrip(failing, trip) })
      for (let n = 0; n < 4; n += 1) call(breaker, verdict, 0, undefined, durationMs)
      expect(transitions.map((transition) => transition.reason)).toEqual([reason])
      expect([breaker.failures(0), breaker.calls(0)]).toEqual([4, 4])
    }
  })

  test('a nested anyTrip reports the innermost reason, and shows its count while open', () => {
    const slow = slowCallRate({ threshold: 1, slowerThan: 100, window: { calls: 3 }, minimumCalls: 3 })
    const { breaker, transitions } = breakerWith({ trip: anyTrip(consecutive(9), anyTrip(failureRate(), slow)) })
    for (let n = 0; n < 3; n += 1) call(breaker, 'success', 0, undefined, 500)
    expect(transitions[0]?.reason).toBe('slow call rate of 100 %')
    expect([breaker.failures(0), breaker.calls(0)]).toEqual([3, 3])
    call(breaker, 'success', 100, undefined, 1)
    // Once closed, the counts of the first trip are shown again.
    call(breaker, 'failure', 101, undefined, 500)
    expect([breaker.failures(101), breaker.calls(101)]).toEqual([1, 1])
  })
})

describe("the dependency's Retry-After extends the open period", () => {
  const openPeriod = { baseMs: 100, factor: 2, maxMs: 400, retryAfterMaxMs: 1_000 }

  test.each([
    ['shorter than the configured open period', 50, 100],
    ['longer', 700, 700],
    ['longer than the maximum', 5_000, 1_000],
    ['infinite', Number.POSITIVE_INFINITY, 1_000],
    ['NaN', Number.NaN, 100],
    ['negative', -5, 100],
    ['absent', undefined, 100],
  ])('%s', (_name, hintMs, expected) => {
    const { breaker } = breakerWith({ openPeriod })
    call(breaker, 'failure', 0, hintMs)
    expect(breaker.retryAfterMs(0)).toBe(expected)
    breaker.advance(expected - 1)
    expect(breaker.state).toBe('open')
    breaker.advance(expected)
    expect(breaker.state).toBe('half-open')
  })

  test('also applies to a failed probe; the configured open period still grows', () => {
    const { breaker } = breakerWith({ openPeriod })
    call(breaker, 'failure', 0)
    call(breaker, 'failure', 100, 900)
    expect(breaker.retryAfterMs(100)).toBe(900)
    call(breaker, 'failure', 1_000)
    expect(breaker.retryAfterMs(1_000)).toBe(400)
  })

  test('never shortens a configured open period that is longer than the maximum for hints', () => {
    const { breaker } = breakerWith({ openPeriod: { baseMs: 5_000, factor: 1, maxMs: 5_000, retryAfterMaxMs: 1_000 } })
    call(breaker, 'failure', 0, 2_000)
    expect(breaker.retryAfterMs(0)).toBe(5_000)
  })

  test('ignores the hint of a failure that does not open the circuit, and of any success', () => {
    const trip = failureRate({ threshold: 0.1, window: { calls: 2 }, minimumCalls: 2 })
    const { breaker } = breakerWith({ openPeriod, trip })
    call(breaker, 'failure', 0, 900)
    call(breaker, 'success', 0, 900)
    expect([breaker.state, breaker.retryAfterMs(0)]).toEqual(['open', 100])
  })
})

describe('observe: counts, changes the state and reports transitions, but rejects nothing', () => {
  test('lets all calls through while open, without counting them', () => {
    const { breaker, transitions } = breakerWith({ mode: 'observe' })
    call(breaker, 'failure', 0)
    for (let n = 0; n < 50; n += 1) expect(call(breaker, 'failure', 50)).toBe(true)
    expect([breaker.state, breaker.failures(50), breaker.retryAfterMs(50)]).toEqual(['open', 1, 50])
    expect(transitions).toHaveLength(1)
  })

  test('counts the first calls as probes while half-open, and lets the others through uncounted', () => {
    const { breaker } = breakerWith({ mode: 'observe', halfOpen: { probes: 2, closeAt: 1, leaseMs: 1_000 } })
    call(breaker, 'failure', 0)
    const permits = Array.from({ length: 10 }, () => breaker.tryAcquire(100, noRandom) as Permit)
    expect(permits.filter(({ probe }) => probe)).toHaveLength(2)
    for (const permit of permits.slice(2)) expect(breaker.settle(permit, 'failure', 101)).toBe(true)
    expect(breaker.state).toBe('half-open')
    for (const permit of permits.slice(0, 2)) breaker.settle(permit, 'success', 101)
    expect(breaker.state).toBe('closed')
  })

  test('shows the isolated state but rejects nothing; a ramp is not applied', () => {
    const { breaker } = breakerWith({ mode: 'observe', ramp: { steps: [0.05], eachMs: 1_000 } })
    breaker.isolate(0)
    expect(breaker.tryAcquire(0, noRandom)).toBeDefined()
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

  function recovered(): { breaker: Breaker; transitions: Transition[] } {
    const made = breakerWith({ ramp })
    call(made.breaker, 'failure', 0)
    call(made.breaker, 'success', 100)
    expect(made.breaker.state).toBe('closed')
    return made
  }

  test('admits 5, 25, 50 and then 100 % of the calls while closed; steps depend on time only', () => {
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

  test('the hint of a refusal is the time until the next step', () => {
    const { breaker } = recovered()
    expect(breaker.tryAcquire(130, () => 0.05)).toBeUndefined()
    expect(breaker.retryAfterMs(130)).toBe(70)
    expect(breaker.retryAfterMs(399)).toBe(1)
    expect(breaker.retryAfterMs(400)).toBeUndefined()
  })

  test('a trip during the ramp opens the circuit again, and the next ramp starts at its first step', () => {
    const { breaker, transitions } = recovered()
    const permit = breaker.tryAcquire(320, () => 0) as Permit
    breaker.settle(permit, 'failure', 330)
    expect([breaker.state, breaker.admitting(330)]).toEqual(['open', undefined])
    call(breaker, 'success', 430)
    expect([breaker.state, breaker.admitting(430)]).toEqual(['closed', 0.05])
    expect(transitions.map(({ to }) => to)).toEqual(['open', 'half-open', 'closed', 'open', 'half-open', 'closed'])
  })

  test('reset and disable let all traffic through immediately, without a ramp', () => {
    const { breaker } = recovered()
    breaker.reset(110)
    expect(breaker.sharedPermit).toBeDefined()
    breaker.isolate(120)
    breaker.reset(130)
    expect(breaker.sharedPermit).toBeDefined()
    const disabled = recovered().breaker
    disabled.disable(110)
    expect(disabled.sharedPermit).toBeDefined()
  })
})

describe('a health check that closes the circuit early', () => {
  test('a success closes an open circuit before its time, and a half-open one without probes', () => {
    for (const now of [40, 150]) {
      const { breaker, transitions } = breakerWith()
      call(breaker, 'failure', 0)
      breaker.advance(now)
      const { openPeriod } = breaker
      expect(breaker.healthCheckSucceeded(openPeriod as NonNullable<typeof openPeriod>, now)).toBe(true)
      expect(breaker.state).toBe('closed')
      expect(transitions.at(-1)?.reason).toBe('the health check succeeded')
      expect(breaker.openPeriod).toBeUndefined()
    }
  })

  test('a check that started in an earlier open period changes nothing', () => {
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

  test('starts the ramp', () => {
    const { breaker } = breakerWith({ ramp: { steps: [0.5], eachMs: 100 } })
    call(breaker, 'failure', 0)
    breaker.healthCheckSucceeded(breaker.openPeriod as NonNullable<typeof breaker.openPeriod>, 10)
    expect(breaker.admitting(10)).toBe(0.5)
  })
})
