import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Gradient2Options, gradient2 } from '../gradient2.ts'
import type { LimitSettings } from '../limit.ts'
import type { Round } from '../rounds.ts'
import { alongside, Fed, samples, settingsOf } from './setup.ts'

/**
 * The rule, step by step, as the doc comment tells it: nothing is shared with the mechanism but the notion of a round, and
 * the order of additions, without which a comparison of equals falls one way here and the other way there.
 */
function model({ min, max, initial }: LimitSettings, options: Required<Gradient2Options>): (round: Round) => number {
  const { rttTolerance, queueSize, smoothing } = options
  let [estimate, long, learnt, queueing, probes] = [initial, 0, 0, 0, false]
  const towards = (target: number): void => {
    estimate = Math.max(min, Math.min(max, estimate + (target - estimate) * smoothing))
  }
  return (round) => {
    const measured = probes
    probes = false
    if (round.congested) towards(estimate / 2)
    else if (measured) long += (round.rttMs - long) / 2
    else {
      const full = round.inFlight >= Math.floor(estimate)
      if (learnt < 10 || !full || round.rttMs < long) {
        learnt += 1
        long += (round.rttMs - long) * (learnt > 10 ? 2 / 601 : 1 / learnt)
        if (long > 2 * round.rttMs) long *= 0.9
      }
      const slope = (rttTolerance * long) / round.rttMs
      if (!full) queueing = 0
      else if (slope < 1) queueing += 1
      if (queueing === 30) {
        queueing = 0
        probes = true
      }
      if (round.inFlight >= estimate / 2) towards(estimate * (slope > 1 ? 1 : slope < 0.5 ? 0.5 : slope) + queueSize)
    }
    return probes ? Math.max(min, estimate / 2) : estimate
  }
}

test('at any sequence of calls it is the rule of Gradient2, within its bounds', () => {
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

test('the longer calls take, the lower the limit after them', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1, max: 1_000, noNaN: true }),
      fc.double({ min: 1, max: 1_000, noNaN: true }),
      (a, b) => {
        const after = (rttMs: number): number => {
          const fed = new Fed(gradient2({ smoothing: 1 }), { initial: 100 })
          fed.rounds(12, 100, { inFlight: 1 })
          return fed.round(rttMs, { inFlight: 100 })
        }
        expect(after(Math.max(a, b))).toBeLessThanOrEqual(after(Math.min(a, b)))
      },
    ),
    { numRuns: 100 },
  )
})

test('within the tolerance it grows by the queue; beyond it shrinks with the gradient, and never by more than half', () => {
  const after = (rttMs: number): number => {
    const fed = new Fed(gradient2({ smoothing: 1 }), { initial: 100 })
    fed.rounds(12, 100, { inFlight: 1 })
    return fed.round(rttMs, { inFlight: 100 })
  }
  expect([50, 100, 150, 200, 300, 10_000].map(after)).toEqual([104, 104, 104, 79, 54, 54])
})

test('one round moves it by a fifth of the way', () => {
  const fed = new Fed(gradient2(), { initial: 100 })
  fed.rounds(12, 100, { inFlight: 1 })
  // 100 · 0.5 + 4 is 46 below.
  expect(fed.round(1_000, { inFlight: 100 })).toBe(90)
})

test('where calls are lost it has no room for a queue, and ends at its floor, however constant the timeout is', () => {
  const fed = new Fed(gradient2(), { min: 2 })
  fed.rounds(12, 100, { inFlight: 1 })
  expect(fed.rounds(100, 5_000, { lost: true })).toBe(2)
})

test('it does not grow while less than half of it is used', () => {
  const fed = new Fed(gradient2())
  expect(fed.rounds(100, 100, { inFlight: 9 })).toBe(20)
  expect(fed.rounds(2, 100, { inFlight: 20 })).toBeGreaterThan(20)
})

test('an overload that lasts does not become the baseline: what a probe measures does', () => {
  const walked = (probeMs: number): number => {
    const fed = new Fed(gradient2(), { initial: 60 })
    fed.rounds(12, 100, { inFlight: 1 })
    // Twenty workers, 100 ms each: the time grows with what is in flight; but in a probe it is what the test says.
    let lowered = false
    for (let n = 0; n < 2_000; n += 1) {
      const before = fed.limit.limit()
      const after = fed.round(lowered ? probeMs : Math.max(100, before * 5))
      lowered = after < before * 0.6
    }
    return fed.limit.limit()
  }
  // 1.5 · 20 and the queue's share on top; where calls have become twice as slow, twice that.
  expect(walked(100)).toBeGreaterThanOrEqual(30)
  expect(walked(100)).toBeLessThanOrEqual(36)
  expect(walked(200)).toBeGreaterThanOrEqual(60)
  expect(walked(200)).toBeLessThanOrEqual(68)
})

test('after a long overload the baseline comes down faster than by averaging', () => {
  const fed = new Fed(gradient2({ smoothing: 1 }))
  fed.rounds(200, 1_000, { inFlight: 1 })
  fed.rounds(25, 100, { inFlight: 1 })
  // By averaging alone it would still be ten times too high, and a round of 250 ms would pass for a quick one.
  expect(fed.round(400, { inFlight: 20 })).toBeLessThan(20)
})

test('a limit that is full and still grows is not lowered, and none is lowered below its floor', () => {
  const growing = new Fed(gradient2())
  const limits = Array.from({ length: 100 }, () => growing.round(100))
  expect(limits.every((limit, n) => n === 0 || limit >= (limits[n - 1] as number))).toBe(true)
  const fed = new Fed(gradient2(), { min: 25, initial: 60 })
  fed.rounds(12, 100, { inFlight: 1 })
  for (let n = 0; n < 100; n += 1) expect(fed.round(200)).toBeGreaterThanOrEqual(25)
})

test('the long-term average is one of about 600 rounds', () => {
  const fed = new Fed(gradient2({ smoothing: 1 }), { initial: 100 })
  fed.rounds(10, 100, { inFlight: 1 })
  fed.rounds(60, 300, { inFlight: 1 })
  const longMs = 300 - 200 * (599 / 601) ** 60
  expect(fed.round(300, { inFlight: 100 })).toBe(Math.floor(100 * ((1.5 * longMs) / 300) + 4))
})
