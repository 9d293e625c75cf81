import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Gradient2Options, gradient2 } from '../gradient2.ts'
import type { LimitSettings } from '../limit.ts'
import type { Round } from '../rounds.ts'
import { alongside, RoundFeeder, samples, settingsOf } from './setup.ts'

/**
 * The rule, step by step, as the doc comment states it.
 *
 * It shares only the rounds with the implementation, and the order of additions. With another order, rounding would
 * make equal values compare differently.
 */
function model({ min, max, initial }: LimitSettings, options: Required<Gradient2Options>): (round: Round) => number {
  const { rttTolerance, queueSize, smoothing } = options
  let [estimate, long, learned, queueing, isProbe] = [initial, 0, 0, 0, false]
  const moveTo = (target: number): void => {
    estimate = Math.max(min, Math.min(max, estimate + (target - estimate) * smoothing))
  }
  return (round) => {
    const wasProbe = isProbe
    isProbe = false
    if (round.congested) moveTo(estimate / 2)
    else if (wasProbe) long += (round.rttMs - long) / 2
    else {
      const full = round.inFlight >= Math.floor(estimate)
      if (learned < 10 || !full || round.rttMs < long) {
        learned += 1
        long += (round.rttMs - long) * (learned > 10 ? 2 / 601 : 1 / learned)
        if (long > 2 * round.rttMs) long *= 0.9
      }
      const slope = (rttTolerance * long) / round.rttMs
      if (!full) queueing = 0
      else if (slope < 1) queueing += 1
      if (queueing === 30) {
        queueing = 0
        isProbe = true
      }
      if (round.inFlight >= estimate / 2) moveTo(estimate * (slope > 1 ? 1 : slope < 0.5 ? 0.5 : slope) + queueSize)
    }
    return isProbe ? Math.max(min, estimate / 2) : estimate
  }
}

test('follows the rule of Gradient2 for any sequence of calls, within its bounds', () => {
  let changes = 0
  const options = fc.record({
    rttTolerance: fc.constantFrom(1, 1.5, 2),
    queueSize: fc.integer({ min: 1, max: 10 }),
    smoothing: fc.constantFrom(0.1, 0.2, 1),
  })
  fc.assert(
    fc.property(samples(), settingsOf(), options, (sequence, settings, chosen) => {
      const limit = gradient2(chosen).create(settings)
      const step = model(settings, chosen)
      alongside(limit, sequence, (round, before, after) => {
        changes += Number(before !== after)
        expect(after).toBe(Math.floor(step(round)))
        expect(after).toBeGreaterThanOrEqual(settings.min)
        expect(after).toBeLessThanOrEqual(settings.max)
      })
    }),
    { numRuns: 200 },
  )
  expect(changes).toBeGreaterThan(100)
})

test('is never higher after slower calls', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1, max: 1_000, noNaN: true }),
      fc.double({ min: 1, max: 1_000, noNaN: true }),
      (a, b) => {
        const after = (rttMs: number): number => {
          const feeder = new RoundFeeder(gradient2({ smoothing: 1 }), { initial: 100 })
          feeder.rounds(12, 100, { inFlight: 1 })
          return feeder.round(rttMs, { inFlight: 100 })
        }
        expect(after(Math.max(a, b))).toBeLessThanOrEqual(after(Math.min(a, b)))
      },
    ),
    { numRuns: 100 },
  )
})

test('grows by queueSize within the tolerance; beyond it shrinks, at most by half', () => {
  const after = (rttMs: number): number => {
    const feeder = new RoundFeeder(gradient2({ smoothing: 1 }), { initial: 100 })
    feeder.rounds(12, 100, { inFlight: 1 })
    return feeder.round(rttMs, { inFlight: 100 })
  }
  expect([50, 100, 150, 200, 300, 10_000].map(after)).toEqual([104, 104, 104, 79, 54, 54])
})

test('moves by a fifth of the way in one round', () => {
  const feeder = new RoundFeeder(gradient2(), { initial: 100 })
  feeder.rounds(12, 100, { inFlight: 1 })
  // 100 · 0.5 + 4 is 46 below.
  expect(feeder.round(1_000, { inFlight: 100 })).toBe(90)
})

test('ends at `min` if all calls time out, also with constant durations', () => {
  const feeder = new RoundFeeder(gradient2(), { min: 2 })
  feeder.rounds(12, 100, { inFlight: 1 })
  expect(feeder.rounds(100, 5_000, { dropped: true })).toBe(2)
})

test('does not grow while less than half of the limit is used', () => {
  const feeder = new RoundFeeder(gradient2())
  expect(feeder.rounds(100, 100, { inFlight: 9 })).toBe(20)
  expect(feeder.rounds(2, 100, { inFlight: 20 })).toBeGreaterThan(20)
})

test('learns the baseline from probes during a lasting overload', () => {
  const limitAfter = (probeMs: number): number => {
    const feeder = new RoundFeeder(gradient2(), { initial: 60 })
    feeder.rounds(12, 100, { inFlight: 1 })
    // Twenty workers, 100 ms each: a call takes longer the more are in flight. In a probe it takes `probeMs`.
    let lowered = false
    for (let n = 0; n < 2_000; n += 1) {
      const before = feeder.limit.limit()
      const after = feeder.round(lowered ? probeMs : Math.max(100, before * 5))
      lowered = after < before * 0.6
    }
    return feeder.limit.limit()
  }
  // 1.5 · 20, and a few more because of queueSize; twice that if calls have become twice as slow.
  expect(limitAfter(100)).toBeGreaterThanOrEqual(30)
  expect(limitAfter(100)).toBeLessThanOrEqual(36)
  expect(limitAfter(200)).toBeGreaterThanOrEqual(60)
  expect(limitAfter(200)).toBeLessThanOrEqual(68)
})

test('lowers the baseline faster than by averaging after a long overload', () => {
  const feeder = new RoundFeeder(gradient2({ smoothing: 1 }))
  feeder.rounds(200, 1_000, { inFlight: 1 })
  feeder.rounds(25, 100, { inFlight: 1 })
  // By averaging alone it would still be about nine times too high, and a round of 400 ms would count as fast.
  expect(feeder.round(400, { inFlight: 20 })).toBeLessThan(20)
})

test('does not lower a full limit that still grows, and none below `min`', () => {
  const growing = new RoundFeeder(gradient2())
  const limits = Array.from({ length: 100 }, () => growing.round(100))
  expect(limits.every((limit, n) => n === 0 || limit >= (limits[n - 1] as number))).toBe(true)
  const feeder = new RoundFeeder(gradient2(), { min: 25, initial: 60 })
  feeder.rounds(12, 100, { inFlight: 1 })
  for (let n = 0; n < 100; n += 1) expect(feeder.round(200)).toBeGreaterThanOrEqual(25)
})

test('averages over about 600 rounds', () => {
  const feeder = new RoundFeeder(gradient2({ smoothing: 1 }), { initial: 100 })
  feeder.rounds(10, 100, { inFlight: 1 })
  feeder.rounds(60, 300, { inFlight: 1 })
  const longMs = 300 - 200 * (599 / 601) ** 60
  expect(feeder.round(300, { inFlight: 100 })).toBe(Math.floor(100 * ((1.5 * longMs) / 300) + 4))
})
