import { describe, expect, test } from 'vitest'
import { Breaker } from '../breaker.ts'
import type { Permit } from '../permit.ts'
import type { SavedBreaker } from '../saved-breaker.ts'
import type { BreakerSettings } from '../settings.ts'
import { consecutive } from '../trips/trip.ts'

const SETTINGS: BreakerSettings = {
  trip: consecutive(2),
  openPeriod: { baseMs: 100, factor: 2, maxMs: 400, retryAfterMaxMs: 1_000 },
  halfOpen: { probes: 1, closeAt: 1, leaseMs: 1_000 },
  mode: 'enforce',
  ramp: { steps: [0.1, 0.5], eachMs: 100 },
  onTransition: () => {},
}

/** An instant on the clock of the first process, and one on the clock of the next process. */
const BEFORE = 7_000_000
const AFTER = 3

function failTwice(breaker: Breaker, now: number): void {
  for (let n = 0; n < 2; n += 1) breaker.settle(breaker.tryAcquire(now, () => 0) as Permit, 'failure', now)
}

function inAnotherProcess(breaker: Breaker, now: number, settings = SETTINGS): Breaker {
  const saved = JSON.parse(JSON.stringify(breaker.save(now))) as SavedBreaker
  const restored = new Breaker(settings)
  restored.restore(saved, AFTER)
  return restored
}

describe('save() stores durations, never clock values', () => {
  test('an open circuit stays open for the remaining time, with the count that opened it', () => {
    const breaker = new Breaker(SETTINGS)
    failTwice(breaker, BEFORE)
    expect(breaker.save(BEFORE + 30)).toEqual({
      state: 'open',
      remainingMs: 70,
      openedAgoMs: 30,
      openings: 1,
      failures: 2,
      calls: 2,
      reason: '2 consecutive failures',
    })
    const restored = inAnotherProcess(breaker, BEFORE + 30)
    expect([restored.state, restored.retryAfterMs(AFTER), restored.openPeriod?.openedMs]).toEqual([
      'open',
      70,
      AFTER - 30,
    ])
    expect([restored.failures(AFTER), restored.calls(AFTER)]).toEqual([2, 2])
    restored.advance(AFTER + 69)
    expect(restored.state).toBe('open')
    restored.advance(AFTER + 70)
    expect(restored.state).toBe('half-open')
  })

  test('a growing open period continues to grow', () => {
    const breaker = new Breaker(SETTINGS)
    failTwice(breaker, BEFORE)
    breaker.settle(breaker.tryAcquire(BEFORE + 100, () => 0) as Permit, 'failure', BEFORE + 100)
    const restored = inAnotherProcess(breaker, BEFORE + 300)
    restored.settle(restored.tryAcquire(AFTER, () => 0) as Permit, 'failure', AFTER)
    expect(restored.retryAfterMs(AFTER)).toBe(400)
  })

  test('a half-open circuit is restored with an ended open period and new probes', () => {
    const breaker = new Breaker(SETTINGS)
    failTwice(breaker, BEFORE)
    breaker.tryAcquire(BEFORE + 100, () => 0)
    expect(breaker.save(BEFORE + 150)).toMatchObject({ state: 'half-open', remainingMs: 0, openedAgoMs: 150 })
    const restored = inAnotherProcess(breaker, BEFORE + 150)
    expect(restored.tryAcquire(AFTER, () => 0)?.probe).toBe(true)
    expect(restored.state).toBe('half-open')
  })

  test('an open circuit whose open period has ended is saved as half-open', () => {
    const breaker = new Breaker(SETTINGS)
    failTwice(breaker, BEFORE)
    expect(breaker.save(BEFORE + 100).state).toBe('half-open')
  })

  test('isolated and disabled are restored, and the count of a closed circuit', () => {
    const breaker = new Breaker(SETTINGS)
    breaker.isolate(BEFORE)
    expect(inAnotherProcess(breaker, BEFORE).state).toBe('isolated')
    breaker.disable(BEFORE)
    expect(inAnotherProcess(breaker, BEFORE).state).toBe('disabled')
    breaker.reset(BEFORE)
    breaker.settle(breaker.sharedPermit as Permit, 'failure', BEFORE)
    expect(breaker.save(BEFORE)).toEqual({ state: 'closed', counts: [{ failures: 1, calls: 1 }] })
    const restored = inAnotherProcess(breaker, BEFORE)
    expect([restored.state, restored.failures(AFTER)]).toEqual(['closed', 1])
    expect(restored.sharedPermit).toBeDefined()
  })

  test('a ramp continues from its saved step, and is ignored by a breaker without a ramp', () => {
    const breaker = new Breaker(SETTINGS)
    failTwice(breaker, BEFORE)
    breaker.settle(breaker.tryAcquire(BEFORE + 100, () => 0) as Permit, 'success', BEFORE + 100)
    expect(breaker.save(BEFORE + 160)).toEqual({ state: 'closed', rampedMs: 60 })
    const restored = inAnotherProcess(breaker, BEFORE + 160)
    expect([restored.admitting(AFTER), restored.admitting(AFTER + 40)]).toEqual([0.1, 0.5])
    expect(inAnotherProcess(breaker, BEFORE + 160, { ...SETTINGS, ramp: undefined }).sharedPermit).toBeDefined()
    expect(inAnotherProcess(breaker, BEFORE + 160, { ...SETTINGS, mode: 'observe' }).sharedPermit).toBeDefined()
  })
})

describe('restore() of a state from another breaker', () => {
  const open: SavedBreaker = {
    state: 'open',
    remainingMs: 1e300,
    openedAgoMs: 0,
    openings: Number.MAX_SAFE_INTEGER,
    failures: 5,
    calls: 5,
  }

  test('keeps the circuit open no longer than the maximum of this breaker', () => {
    const breaker = new Breaker(SETTINGS)
    breaker.restore(open, 0)
    expect(breaker.retryAfterMs(0)).toBe(1_000)
    breaker.settle(breaker.tryAcquire(1_000, () => 0) as Permit, 'failure', 1_000)
    expect(breaker.retryAfterMs(1_000)).toBe(400)
  })

  test('starts a new generation, reports no transition, and replaces the earlier state', () => {
    const transitions: string[] = []
    const breaker = new Breaker({ ...SETTINGS, onTransition: ({ to }) => transitions.push(to) })
    const late = breaker.sharedPermit as Permit
    breaker.restore({ state: 'isolated' }, 0)
    expect(breaker.settle(late, 'failure', 0)).toBe(false)
    expect(breaker.tryAcquire(1e9, () => 0)).toBeUndefined()
    breaker.restore({ state: 'closed' }, 0)
    expect([breaker.state, transitions]).toEqual(['closed', []])
  })
})
