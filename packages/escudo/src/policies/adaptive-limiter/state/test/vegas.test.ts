import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LimitSettings } from '../limit.ts'
import type { Round } from '../rounds.ts'
import { vegas } from '../vegas.ts'
import { alongside, Fed, samples, settingsOf } from './setup.ts'

/**
 * The rule, step by step, as the doc comment tells it: nothing is shared with the mechanism but the notion of a round, and
 * the order of additions, without which a comparison of equals falls one way here and the other way there.
 */
function model({ min, max, initial }: LimitSettings): (round: Round) => { limit: number; waiting: number } {
  let [estimate, baseline, learnt, queueing, probes] = [initial, 0, 0, 0, false]
  const moved = (by: number): void => {
    estimate = Math.max(min, Math.min(max, estimate + by))
  }
  return (round) => {
    const measured = probes
    probes = false
    let waiting = 0
    const unit = estimate >= 1_000 ? 3 : estimate >= 100 ? 2 : 1
    if (round.congested) moved(-unit)
    else if (measured) baseline += (round.rttMs - baseline) / 2
    else {
      const idle = round.inFlight < estimate / 2
      if (learnt < 10) {
        learnt += 1
        baseline += (round.rttMs - baseline) / learnt
      } else if (idle) baseline += (round.rttMs - baseline) * 0.1
      waiting = Math.ceil(estimate * (1 - baseline / round.rttMs))
      if (round.inFlight < estimate) queueing = 0
      else if (waiting > unit) queueing += 1
      if (queueing === 30) {
        queueing = 0
        probes = true
      }
      if (!idle) {
        if (waiting <= unit) moved(6 * unit)
        else if (waiting < 3 * unit) moved(unit)
        else if (waiting > 6 * unit) moved(-unit)
      }
    }
    return { limit: probes ? Math.max(min, Math.floor(estimate / 2)) : estimate, waiting }
  }
}

test('at any sequence of calls it is the rule of TCP Vegas, within its bounds', () => {
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

test('the longer calls take, the less it grows: never more for a slower round', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1, max: 1_000, noNaN: true }),
      fc.double({ min: 1, max: 1_000, noNaN: true }),
      (a, b) => {
        const after = (rttMs: number): number => {
          const fed = new Fed(vegas())
          fed.rounds(12, 100, { inFlight: 1 })
          return fed.round(rttMs, { inFlight: 20 })
        }
        expect(after(Math.max(a, b))).toBeLessThanOrEqual(after(Math.min(a, b)))
      },
    ),
    { numRuns: 100 },
  )
})

test('no queue: six more; a short one: one more; a long one: one less; between, it stays', () => {
  const after = (waiting: number): number => {
    const fed = new Fed(vegas())
    fed.rounds(12, 100, { inFlight: 1 })
    // Of 20 in flight, so many wait when a call takes this long.
    return fed.round(100 / (1 - (waiting - 0.5) / 20), { inFlight: 20 })
  }
  expect([1, 2, 3, 4, 6, 7, 15].map(after)).toEqual([26, 21, 20, 20, 20, 19, 19])
})

test('a round with many lost calls shrinks it, however quick they were; it ends at its floor', () => {
  const fed = new Fed(vegas(), { min: 3 })
  fed.rounds(12, 100, { inFlight: 1 })
  expect(fed.round(1, { lost: true })).toBe(19)
  expect(fed.rounds(50, 1, { lost: true })).toBe(3)
})

test('it does not grow while less than half of it is used, and then the baseline follows what it sees', () => {
  const fed = new Fed(vegas())
  expect(fed.rounds(100, 100, { inFlight: 9 })).toBe(20)
  expect(fed.rounds(100, 200, { inFlight: 9 })).toBe(20)
  expect(fed.round(200, { inFlight: 20 })).toBe(26)
})

test('a full limit with a queue is halved for one round in thirty, and what that measures corrects the baseline', () => {
  const fed = new Fed(vegas(), { initial: 60 })
  fed.rounds(12, 100, { inFlight: 1 })
  // A fifth of them waits: it shrinks by one in each round. In the 30th it halves as well.
  expect(fed.rounds(29, 200)).toBe(31)
  expect(fed.round(200)).toBe(15)
  // The dependency takes 200 ms without a queue too: half of that is believed, and at 150 ms nobody seems to wait.
  expect(fed.round(200)).toBe(30)
  expect(fed.round(150)).toBe(36)
})

test('a limit that is not full is never lowered to measure', () => {
  const fed = new Fed(vegas(), { initial: 60 })
  fed.rounds(12, 100, { inFlight: 1 })
  const limits = Array.from({ length: 100 }, () => fed.round(108, { inFlight: fed.limit.limit() - 1 }))
  expect(limits.every((limit, n) => n === 0 || limit >= (limits[n - 1] as number))).toBe(true)
})

test('with smoothing it goes only that share of the way', () => {
  const fed = new Fed(vegas({ smoothing: 0.5 }))
  fed.rounds(12, 100, { inFlight: 1 })
  expect(fed.round(100)).toBe(23)
})

test('a limit that is full and still grows is not lowered, and none is lowered below its floor', () => {
  const growing = new Fed(vegas())
  const limits = Array.from({ length: 100 }, () => growing.round(100))
  expect(limits.every((limit, n) => n === 0 || limit > (limits[n - 1] as number) || limit === 1_000)).toBe(true)
  const fed = new Fed(vegas(), { min: 25, initial: 60 })
  fed.rounds(12, 100, { inFlight: 1 })
  for (let n = 0; n < 100; n += 1) expect(fed.round(200)).toBeGreaterThanOrEqual(25)
})

test('the baseline is a plain average of ten rounds, and takes over a tenth of each idle one then', () => {
  const warm = new Fed(vegas())
  warm.rounds(9, 100, { inFlight: 1 })
  expect(warm.round(200, { inFlight: 20 })).toBe(19)
  // 110 ms: of 19 about one and a half wait at 120 ms. With nine rounds it would be 100 ms, and three would.
  expect(warm.round(120, { inFlight: 20 })).toBe(20)
  const idle = new Fed(vegas())
  idle.rounds(12, 100, { inFlight: 1 })
  idle.round(200, { inFlight: 1 })
  // 110 ms again: two of 20 wait. With 120 ms it would be none.
  expect(idle.round(123, { inFlight: 20 })).toBe(20)
})
