import { afterEach, describe, expect, test, vi } from 'vitest'
import { Breaker } from '../breaker.ts'
import type { Permit } from '../permit.ts'
import type { BreakerSettings } from '../settings.ts'
import { consecutive, failureRate } from '../trips/trip.ts'
import { breakerWith, call, never } from './setup.ts'

// Sentences of the design about the circuit breaker that the mechanism decides, beside those in trip.test.ts,
// window.test.ts, breaker-decisions.test.ts and breaker-options.test.ts. What many sequences must show is proved in
// breaker.test.ts; what is said of the policy is proved there.

describe('a stateChange is emitted at the moment that a transition becomes true, also to half-open', () => {
  test('whoever advances it when it asks to be hears each change at its instant', () => {
    const { breaker, told } = breakerWith({ halfOpen: { probes: 2, closeAt: 1, leaseMs: 30 } })
    call(breaker, 'failure', 5)
    expect(breaker.nextChangeMs()).toBe(105)
    breaker.advance(104)
    expect(told).toHaveLength(1)
    breaker.advance(105)
    breaker.tryAcquire(110, never)
    expect(breaker.nextChangeMs()).toBe(140)
    breaker.advance(139)
    expect(told).toHaveLength(2)
    breaker.advance(140)
    expect(told.map(({ to, at }) => [to, at])).toEqual([
      ['open', 5],
      ['half-open', 105],
      ['open', 140],
    ])
  })

  test('of one breaker among many it is told which', () => {
    const keys: (string | undefined)[] = []
    const settings: BreakerSettings = {
      trip: consecutive(1),
      openTime: { baseMs: 100, factor: 1, maxMs: 100, retryAfterMaxMs: 0 },
      halfOpen: { probes: 1, closeAt: 1, leaseMs: 1_000 },
      mode: 'enforce',
      ramp: undefined,
      onTransition: (_transition, { key }) => keys.push(key),
    }
    for (const key of ['a', undefined, '__proto__']) call(new Breaker(settings, key), 'failure', 0)
    expect(keys).toEqual(['a', undefined, '__proto__'])
  })
})

describe('1000 callers at the moment of half-open', () => {
  test.each([1, 3, 10])(
    'exactly %i probes, all others are refused at once with the time to the next chance',
    (probes) => {
      const { breaker } = breakerWith({ halfOpen: { probes, closeAt: 1, leaseMs: 40 } })
      call(breaker, 'failure', 0)
      const tickets = Array.from({ length: 1_000 }, () => breaker.sharedPermit ?? breaker.tryAcquire(100, never))
      const admitted = tickets.filter((ticket) => ticket !== undefined)
      expect(admitted.map(({ probe }) => probe)).toEqual(Array(probes).fill(true))
      expect(breaker.retryAfterMs(100)).toBe(40)
      // Half of them come to nothing: their places are free again, and no more than those.
      for (const ticket of admitted) breaker.settle(ticket, 'ignored', 101)
      const again = Array.from({ length: 1_000 }, () => breaker.tryAcquire(101, never)).filter(Boolean)
      expect(again).toHaveLength(probes)
    },
  )
})

describe('a probe that does not settle within its lease counts as a failure and its permit returns', () => {
  test('also when nobody is there to see it', () => {
    const { breaker } = breakerWith({ halfOpen: { probes: 3, closeAt: 1 / 3, leaseMs: 50 } })
    call(breaker, 'failure', 0)
    const hung = breaker.tryAcquire(100, never) as Permit
    breaker.tryAcquire(100, never)
    const third = breaker.tryAcquire(120, never) as Permit
    expect(breaker.tryAcquire(149, never)).toBeUndefined()
    // The hung probe comes back at the very end of its lease: too late, and one failure all the same.
    expect(breaker.settle(hung, 'success', 150)).toBe(false)
    expect(breaker.state).toBe('half-open')
    expect(breaker.settle(third, 'success', 160)).toBe(true)
    expect(breaker.state).toBe('closed')
  })
})

describe('a result of an earlier generation changes nothing', () => {
  test('a late failure from the closed era does not re-open a half-open circuit, nor a late success close it', () => {
    for (const verdict of ['failure', 'success'] as const) {
      const { breaker } = breakerWith()
      const late = breaker.sharedPermit as Permit
      call(breaker, 'failure', 0)
      breaker.advance(100)
      expect(breaker.settle(late, verdict, 101)).toBe(false)
      expect(breaker.state).toBe('half-open')
    }
  })

  test('a reset of a closed breaker begins a new generation: a failure that began before it does not count after it', () => {
    const { breaker, told } = breakerWith({ trip: consecutive(2) })
    call(breaker, 'failure', 0)
    const late = breaker.sharedPermit as Permit
    breaker.reset(1)
    expect(breaker.settle(late, 'failure', 2)).toBe(false)
    expect([breaker.failures(2), breaker.calls(2)]).toEqual([0, 0])
    call(breaker, 'failure', 3)
    expect(breaker.state).toBe('closed')
    call(breaker, 'failure', 4)
    expect(breaker.state).toBe('open')
    // Closed to closed is no change of state.
    expect(told.map(({ to }) => to)).toEqual(['open'])
  })
})

test('flapping at the threshold: each side of it decides for itself', () => {
  const trip = failureRate({ threshold: 0.5, window: { calls: 2 }, minimumCalls: 2 })
  const { breaker, told } = breakerWith({ trip })
  for (let now = 0; now < 10_000; now += 200) {
    call(breaker, 'success', now)
    expect(breaker.state).toBe('closed')
    call(breaker, 'failure', now)
    expect(breaker.state).toBe('open')
    call(breaker, 'success', now + 100)
    expect(breaker.state).toBe('closed')
  }
  expect(told).toHaveLength(150)
})

describe('a time window forgets', () => {
  test('after an idle hour nothing from before counts: old buckets never trip', () => {
    const { breaker } = breakerWith({ trip: failureRate({ minimumCalls: 20 }) })
    for (let n = 0; n < 19; n += 1) call(breaker, 'failure', n)
    for (let n = 0; n < 19; n += 1) call(breaker, 'failure', 3_600_000 + n)
    expect([breaker.state, breaker.failures(3_600_100)]).toEqual(['closed', 19])
    expect(breaker.failures(9_000_000)).toBe(0)
  })
})

describe('time comes from nowhere but its arguments', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  test('a wall clock that jumps an hour either way changes nothing', () => {
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

  test('a clock that goes back brings nothing back, and every hint stays a length of time', () => {
    const { breaker, told } = breakerWith({
      trip: failureRate({ window: 200, minimumCalls: 2 }),
      ramp: { steps: [0.2, 0.6], eachMs: 50 },
    })
    call(breaker, 'failure', 10_000)
    call(breaker, 'failure', 9_000)
    // Counted among the newest, and open from the instant that was shown.
    expect([breaker.state, breaker.retryAfterMs(9_000), breaker.retryAfterMs(20_000)]).toEqual(['open', 100, 0])
    breaker.advance(9_100)
    breaker.advance(0)
    expect(breaker.state).toBe('half-open')
    call(breaker, 'success', 9_100)
    // Before its own beginning a ramp is in its first step.
    expect(breaker.admitting(5_000)).toBe(0.2)
    expect(breaker.retryAfterMs(5_000)).toBe(4_150)
    expect(breaker.admitting(9_199)).toBe(0.6)
    expect(breaker.admitting(9_200)).toBeUndefined()
    expect(breaker.admitting(9_199)).toBe(0.6)
    breaker.advance(9_200)
    expect(breaker.admitting(9_199)).toBeUndefined()
    expect(told.map(({ to }) => to)).toEqual(['open', 'half-open', 'closed'])
  })
})
