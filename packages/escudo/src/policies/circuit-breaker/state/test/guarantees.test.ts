import { afterEach, describe, expect, test, vi } from 'vitest'
import { Breaker } from '../breaker.ts'
import type { Permit } from '../permit.ts'
import type { BreakerSettings } from '../settings.ts'
import { consecutive, failureRate } from '../trips/trip.ts'
import { breakerWith, call, noRandom } from './setup.ts'

// Documented guarantees of the state machine that trip.test.ts, decisions.test.ts and options.test.ts do not cover.
// breaker.test.ts checks random sequences; the guarantees of the policy are in circuit-breaker/test.

describe('a transition is reported at the instant at which it becomes true', () => {
  test('reports each transition on time if `advance` is called at `nextChangeMs`', () => {
    const { breaker, transitions } = breakerWith({ halfOpen: { probes: 2, closeAt: 1, leaseMs: 30 } })
    call(breaker, 'failure', 5)
    expect(breaker.nextChangeMs()).toBe(105)
    breaker.advance(104)
    expect(transitions).toHaveLength(1)
    breaker.advance(105)
    breaker.tryAcquire(110, noRandom)
    expect(breaker.nextChangeMs()).toBe(140)
    breaker.advance(139)
    expect(transitions).toHaveLength(2)
    breaker.advance(140)
    expect(transitions.map(({ to, at }) => [to, at])).toEqual([
      ['open', 5],
      ['half-open', 105],
      ['open', 140],
    ])
  })

  test('passes the key of the breaker to onTransition', () => {
    const keys: (string | undefined)[] = []
    const settings: BreakerSettings = {
      trip: consecutive(1),
      openPeriod: { baseMs: 100, factor: 1, maxMs: 100, retryAfterMaxMs: 0 },
      halfOpen: { probes: 1, closeAt: 1, leaseMs: 1_000 },
      mode: 'enforce',
      ramp: undefined,
      onTransition: (_transition, { key }) => keys.push(key),
    }
    for (const key of ['a', undefined, '__proto__']) call(new Breaker(settings, key), 'failure', 0)
    expect(keys).toEqual(['a', undefined, '__proto__'])
  })
})

describe('1000 concurrent callers when the circuit becomes half-open', () => {
  test.each([1, 3, 10])('grants exactly %i probes, and rejects all others with a hint', (probes) => {
    const { breaker } = breakerWith({ halfOpen: { probes, closeAt: 1, leaseMs: 40 } })
    call(breaker, 'failure', 0)
    const permits = Array.from({ length: 1_000 }, () => breaker.sharedPermit ?? breaker.tryAcquire(100, noRandom))
    const admitted = permits.filter((permit) => permit !== undefined)
    expect(admitted.map(({ probe }) => probe)).toEqual(Array(probes).fill(true))
    expect(breaker.retryAfterMs(100)).toBe(40)
    // Ignored probes release exactly their own permits.
    for (const permit of admitted) breaker.settle(permit, 'ignored', 101)
    const again = Array.from({ length: 1_000 }, () => breaker.tryAcquire(101, noRandom)).filter(Boolean)
    expect(again).toHaveLength(probes)
  })
})

describe('a probe that does not settle within its lease counts as a failure', () => {
  test('even if `advance` is not called at the end of the lease', () => {
    const { breaker } = breakerWith({ halfOpen: { probes: 3, closeAt: 1 / 3, leaseMs: 50 } })
    call(breaker, 'failure', 0)
    const hung = breaker.tryAcquire(100, noRandom) as Permit
    breaker.tryAcquire(100, noRandom)
    const third = breaker.tryAcquire(120, noRandom) as Permit
    expect(breaker.tryAcquire(149, noRandom)).toBeUndefined()
    // The hung probe settles exactly when its lease ends: too late, and counted as one failure.
    expect(breaker.settle(hung, 'success', 150)).toBe(false)
    expect(breaker.state).toBe('half-open')
    expect(breaker.settle(third, 'success', 160)).toBe(true)
    expect(breaker.state).toBe('closed')
  })
})

describe('a result of an earlier generation changes nothing', () => {
  test('a late result from the closed state neither opens nor closes a half-open circuit', () => {
    for (const verdict of ['failure', 'success'] as const) {
      const { breaker } = breakerWith()
      const late = breaker.sharedPermit as Permit
      call(breaker, 'failure', 0)
      breaker.advance(100)
      expect(breaker.settle(late, verdict, 101)).toBe(false)
      expect(breaker.state).toBe('half-open')
    }
  })

  test('a failure of a call that started before the reset of a closed circuit is not counted', () => {
    const { breaker, transitions } = breakerWith({ trip: consecutive(2) })
    call(breaker, 'failure', 0)
    const late = breaker.sharedPermit as Permit
    breaker.reset(1)
    expect(breaker.settle(late, 'failure', 2)).toBe(false)
    expect([breaker.failures(2), breaker.calls(2)]).toEqual([0, 0])
    call(breaker, 'failure', 3)
    expect(breaker.state).toBe('closed')
    call(breaker, 'failure', 4)
    expect(breaker.state).toBe('open')
    // Closed to closed is not a transition.
    expect(transitions.map(({ to }) => to)).toEqual(['open'])
  })
})

test('opens and closes each time when the rate flaps at the threshold', () => {
  const trip = failureRate({ threshold: 0.5, window: { calls: 2 }, minimumCalls: 2 })
  const { breaker, transitions } = breakerWith({ trip })
  for (let now = 0; now < 10_000; now += 200) {
    call(breaker, 'success', now)
    expect(breaker.state).toBe('closed')
    call(breaker, 'failure', now)
    expect(breaker.state).toBe('open')
    call(breaker, 'success', now + 100)
    expect(breaker.state).toBe('closed')
  }
  expect(transitions).toHaveLength(150)
})

describe('a time window expires', () => {
  test('after an idle hour, earlier calls do not count', () => {
    const { breaker } = breakerWith({ trip: failureRate({ minimumCalls: 20 }) })
    for (let n = 0; n < 19; n += 1) call(breaker, 'failure', n)
    for (let n = 0; n < 19; n += 1) call(breaker, 'failure', 3_600_000 + n)
    expect([breaker.state, breaker.failures(3_600_100)]).toEqual(['closed', 19])
    expect(breaker.failures(9_000_000)).toBe(0)
  })
})

describe('the only clock is the `now` argument', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  test('a wall clock that jumps by an hour in either direction changes nothing', () => {
    const wall = vi.spyOn(Date, 'now')
    const monotonic = vi.spyOn(performance, 'now')
    const { breaker } = breakerWith({ trip: failureRate({ minimumCalls: 1 }), ramp: { steps: [0.5], eachMs: 10 } })
    for (const jumpMs of [0, 3_600_000, -3_600_000]) {
      wall.mockReturnValue(1_700_000_000_000 + jumpMs)
      call(breaker, 'failure', 0)
      expect(breaker.retryAfterMs(40)).toBe(60)
      breaker.advance(100)
      call(breaker, 'success', 100)
      expect(breaker.state).toBe('closed')
      breaker.advance(110)
      breaker.reset(110)
    }
    expect(wall).not.toHaveBeenCalled()
    expect(monotonic).not.toHaveBeenCalled()
  })

  test('a clock that goes back restores no earlier state, and every hint stays a valid duration', () => {
    const { breaker, transitions } = breakerWith({
      trip: failureRate({ window: 200, minimumCalls: 2 }),
      ramp: { steps: [0.2, 0.6], eachMs: 50 },
    })
    call(breaker, 'failure', 10_000)
    call(breaker, 'failure', 9_000)
    // The call is counted in the newest bucket, and the open period starts at the instant given.
    expect([breaker.state, breaker.retryAfterMs(9_000), breaker.retryAfterMs(20_000)]).toEqual(['open', 100, 0])
    breaker.advance(9_100)
    breaker.advance(0)
    expect(breaker.state).toBe('half-open')
    call(breaker, 'success', 9_100)
    // Before its start a ramp is in its first step.
    expect(breaker.admitting(5_000)).toBe(0.2)
    expect(breaker.retryAfterMs(5_000)).toBe(4_150)
    expect(breaker.admitting(9_199)).toBe(0.6)
    expect(breaker.admitting(9_200)).toBeUndefined()
    expect(breaker.admitting(9_199)).toBe(0.6)
    breaker.advance(9_200)
    expect(breaker.admitting(9_199)).toBeUndefined()
    expect(transitions.map(({ to }) => to)).toEqual(['open', 'half-open', 'closed'])
  })
})
