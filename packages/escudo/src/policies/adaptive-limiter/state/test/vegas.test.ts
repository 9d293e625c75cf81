import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LimitSettings } from '../limit.ts'
import type { Round } from '../rounds.ts'
import { vegas } from '../vegas.ts'
import { alongside, RoundFeeder, samples, settingsOf } from './setup.ts'

/**
 * The rule, step by step, as the doc comment states it.
 *
 * It shares only the rounds with the implementation, and the order of additions. With another order, rounding would
 * make equal values compare differently.
 */
function model({ min, max, initial }: LimitSettings): (round: Round) => { limit: number; waiting: number } {
  let [estimate, baseline, learned, queueing, isProbe] = [initial, 0, 0, 0, false]
  const moveBy = (by: number): void => {
    estimate = Math.max(min, Math.min(max, estimate + by))
  }
  return (round) => {
    const wasProbe = isProbe
    isProbe = false
    let waiting = 0
    const unit = estimate >= 1_000 ? 3 : estimate >= 100 ? 2 : 1
    if (round.congested) moveBy(-unit)
    else if (wasProbe) baseline += (round.rttMs - baseline) / 2
    else {
      const idle = round.inFlight < estimate / 2
      if (learned < 10) {
        learned += 1
        baseline += (round.rttMs - baseline) / learned
      } else if (idle) baseline += (round.rttMs - baseline) * 0.1
      waiting = Math.ceil(estimate * (1 - baseline / round.rttMs))
      if (round.inFlight < estimate) queueing = 0
      else if (waiting > unit) queueing += 1
      if (queueing === 30) {
        queueing = 0
        isProbe = true
      }
      if (!idle) {
        if (waiting <= unit) moveBy(6 * unit)
        else if (waiting < 3 * unit) moveBy(unit)
        else if (waiting > 6 * unit) moveBy(-unit)
      }
    }
    return { limit: isProbe ? Math.max(min, Math.floor(estimate / 2)) : estimate, waiting }
  }
}

test('follows the rule of TCP Vegas for any sequence of calls, within its bounds', () => {
  let changes = 0
  fc.assert(
    fc.property(samples(), settingsOf(), (sequence, settings) => {
      const limit = vegas().create(settings)
      const step = model(settings)
      alongside(limit, sequence, (round, before, after) => {
        changes += Number(before !== after)
        expect(after).toBe(step(round).limit)
        expect(after).toBeGreaterThanOrEqual(settings.min)
        expect(after).toBeLessThanOrEqual(settings.max)
      })
    }),
    { numRuns: 200 },
  )
  expect(changes).toBeGreaterThan(100)
})

test('never grows more after a slower round', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1, max: 1_000, noNaN: true }),
      fc.double({ min: 1, max: 1_000, noNaN: true }),
      (a, b) => {
        const after = (rttMs: number): number => {
          const feeder = new RoundFeeder(vegas())
          feeder.rounds(12, 100, { inFlight: 1 })
          return feeder.round(rttMs, { inFlight: 20 })
        }
        expect(after(Math.max(a, b))).toBeLessThanOrEqual(after(Math.min(a, b)))
      },
    ),
    { numRuns: 100 },
  )
})

test('changes by +6, +1, 0 or -1 for no, a short, a medium or a long queue', () => {
  const after = (waiting: number): number => {
    const feeder = new RoundFeeder(vegas())
    feeder.rounds(12, 100, { inFlight: 1 })
    // If a call takes this long, `waiting` of the 20 calls in flight wait.
    return feeder.round(100 / (1 - (waiting - 0.5) / 20), { inFlight: 20 })
  }
  expect([1, 2, 3, 4, 6, 7, 15].map(after)).toEqual([26, 21, 20, 20, 20, 19, 19])
})

test('shrinks after a round with many dropped calls, however fast they were, down to `min`', () => {
  const feeder = new RoundFeeder(vegas(), { min: 3 })
  feeder.rounds(12, 100, { inFlight: 1 })
  expect(feeder.round(1, { dropped: true })).toBe(19)
  expect(feeder.rounds(50, 1, { dropped: true })).toBe(3)
})

test('does not grow while less than half is used; the baseline then follows the rounds', () => {
  const feeder = new RoundFeeder(vegas())
  expect(feeder.rounds(100, 100, { inFlight: 9 })).toBe(20)
  expect(feeder.rounds(100, 200, { inFlight: 9 })).toBe(20)
  expect(feeder.round(200, { inFlight: 20 })).toBe(26)
})

test('halves a full limit with a queue for one round in thirty, to correct the baseline', () => {
  const feeder = new RoundFeeder(vegas(), { initial: 60 })
  feeder.rounds(12, 100, { inFlight: 1 })
  // Half of the calls wait, so the limit shrinks by one in each round. After the 30th it is halved as well.
  expect(feeder.rounds(29, 200)).toBe(31)
  expect(feeder.round(200)).toBe(15)
  // The probe also measures 200 ms. The baseline moves half of the way, to 150 ms, so that at 150 ms no call waits.
  expect(feeder.round(200)).toBe(30)
  expect(feeder.round(150)).toBe(36)
})

test('never lowers a limit that is not full', () => {
  const feeder = new RoundFeeder(vegas(), { initial: 60 })
  feeder.rounds(12, 100, { inFlight: 1 })
  const limits = Array.from({ length: 100 }, () => feeder.round(108, { inFlight: feeder.limit.limit() - 1 }))
  expect(limits.every((limit, n) => n === 0 || limit >= (limits[n - 1] as number))).toBe(true)
})

test('moves only by the share `smoothing`', () => {
  const feeder = new RoundFeeder(vegas({ smoothing: 0.5 }))
  feeder.rounds(12, 100, { inFlight: 1 })
  expect(feeder.round(100)).toBe(23)
})

test('does not lower a full limit that still grows, and none below `min`', () => {
  const growing = new RoundFeeder(vegas())
  const limits = Array.from({ length: 100 }, () => growing.round(100))
  expect(limits.every((limit, n) => n === 0 || limit > (limits[n - 1] as number) || limit === 1_000)).toBe(true)
  const feeder = new RoundFeeder(vegas(), { min: 25, initial: 60 })
  feeder.rounds(12, 100, { inFlight: 1 })
  for (let n = 0; n < 100; n += 1) expect(feeder.round(200)).toBeGreaterThanOrEqual(25)
})

test('the baseline averages ten rounds, then moves by a tenth in each idle round', () => {
  const warm = new RoundFeeder(vegas())
  warm.rounds(9, 100, { inFlight: 1 })
  expect(warm.round(200, { inFlight: 20 })).toBe(19)
  // The baseline is 110 ms: at 120 ms, about 1.6 of 19 calls wait. Without the tenth round it would be 100 ms, and more
  // than three would wait.
  expect(warm.round(120, { inFlight: 20 })).toBe(20)
  const idle = new RoundFeeder(vegas())
  idle.rounds(12, 100, { inFlight: 1 })
  idle.round(200, { inFlight: 1 })
  // The baseline is 110 ms again: about 2.1 of 20 calls wait, rounded up to three. With 120 ms it would be one.
  expect(idle.round(123, { inFlight: 20 })).toBe(20)
})
