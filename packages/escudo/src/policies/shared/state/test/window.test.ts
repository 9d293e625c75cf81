import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CountWindow } from '../../../circuit-breaker/state/trips/count-window.ts'
import { bucketLength, TimeWindow } from '../time-window.ts'
import type { Window } from '../window.ts'

function callsAt(window: Window, now: number): number {
  window.advance(now)
  return window.calls
}

function hitsAt(window: Window, now: number): number {
  window.advance(now)
  return window.hits
}

interface Sample {
  readonly failed: boolean
  readonly at: number
}

/** Typical steps of time: none, a moment, the length of a window, an idle hour. */
const step = (lengthMs: number): fc.Arbitrary<number> =>
  fc.oneof(
    fc.constant(0),
    fc.integer({ min: 0, max: Math.max(1, Math.floor(lengthMs / 20)) }),
    fc.integer({ min: 0, max: lengthMs * 2 }),
    fc.constantFrom(lengthMs / 20, lengthMs - 1, lengthMs, lengthMs + 1, 3_600_000),
  )

const history = fc
  .integer({ min: 1, max: 100 })
  .map((twentieth) => twentieth * 20)
  .chain((lengthMs) =>
    fc.record({
      lengthMs: fc.constant(lengthMs),
      startMs: fc.integer({ min: -10_000, max: 10_000 }),
      steps: fc.array(fc.tuple(step(lengthMs), fc.boolean()), { maxLength: 120, size: 'max' }),
    }),
  )

const within = (samples: readonly Sample[], now: number, ageMs: number, inclusive: boolean): number[] => {
  const young = samples.filter(({ at }) => (inclusive ? now - at <= ageMs : now - at < ageMs))
  return [young.length, young.filter(({ failed }) => failed).length]
}

test('a count window holds exactly the last n outcomes', () => {
  fc.assert(
    fc.property(
      // One integer holds up to 30 outcomes; more need an array of words whose length doubles.
      fc.oneof(fc.integer({ min: 1, max: 30 }), fc.constantFrom(31, 32, 33, 64, 65, 100, 129)),
      fc.array(fc.boolean(), { maxLength: 400, size: 'max' }),
      (size, outcomes) => {
        const window = new CountWindow(size)
        outcomes.forEach((failed, index) => {
          window.record(failed)
          const last = outcomes.slice(Math.max(0, index + 1 - size), index + 1)
          expect(window.calls).toBe(last.length)
          expect(window.hits).toBe(last.filter(Boolean).length)
        })
      },
    ),
  )
})

test('a count window that was cleared counts like a new one', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(40, 70)),
      fc.array(fc.boolean(), { maxLength: 100, size: 'max' }),
      fc.array(fc.boolean(), { maxLength: 100, size: 'max' }),
      (size, before, after) => {
        const used = new CountWindow(size)
        for (const failed of before) used.record(failed)
        used.clear()
        expect([used.calls, used.hits]).toEqual([0, 0])
        const fresh = new CountWindow(size)
        for (const failed of after) {
          used.record(failed)
          fresh.record(failed)
          expect([used.calls, used.hits]).toEqual([fresh.calls, fresh.hits])
        }
      },
    ),
  )
})

test('a time window counts all calls younger than 19/20 of its length, and none older than it', () => {
  fc.assert(
    fc.property(history, ({ lengthMs, startMs, steps }) => {
      const window = new TimeWindow(bucketLength(lengthMs))
      const samples: Sample[] = []
      let now = startMs
      for (const [stepMs, failed] of steps) {
        now += stepMs
        // Read also before the next outcome: a status page reads at any time.
        for (const record of [false, true]) {
          if (record) {
            window.record(failed, now)
            samples.push({ failed, at: now })
          }
          const [callsLeast, failuresLeast] = within(samples, now, (lengthMs * 19) / 20, true) as [number, number]
          const [callsMost, failuresMost] = within(samples, now, lengthMs, false) as [number, number]
          expect(callsAt(window, now)).toBeGreaterThanOrEqual(callsLeast)
          expect(callsAt(window, now)).toBeLessThanOrEqual(callsMost)
          expect(hitsAt(window, now)).toBeGreaterThanOrEqual(failuresLeast)
          expect(hitsAt(window, now)).toBeLessThanOrEqual(failuresMost)
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('a time window drops at most a twentieth of its length at a time', () => {
  const window = new TimeWindow(bucketLength(1_000))
  for (let at = 0; at < 1_000; at += 1) window.record(true, at)
  let before = hitsAt(window, 999)
  for (let now = 1_000; now < 2_100; now += 1) {
    const after = hitsAt(window, now)
    expect(before - after).toBeLessThanOrEqual(50)
    before = after
  }
  expect(before).toBe(0)
})

test('a time window counts no earlier call after an idle hour', () => {
  const window = new TimeWindow(bucketLength(30_000))
  for (let n = 0; n < 100; n += 1) window.record(true, 5_000 + n)
  expect(callsAt(window, 3_605_000)).toBe(0)
  expect(hitsAt(window, 3_605_000)).toBe(0)
  window.record(false, 3_605_000)
  expect(callsAt(window, 3_605_000)).toBe(1)
  expect(hitsAt(window, 3_605_000)).toBe(0)
})

test('a time window has the same bounds for fractional lengths and instants', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1, max: 10_000, noNaN: true }),
      fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { maxLength: 60, size: 'max' }),
      (lengthMs, shares) => {
        const window = new TimeWindow(bucketLength(lengthMs))
        const samples: Sample[] = []
        let now = 1_234_567.891
        // A rounding error of the division may move the edge of a bucket by at most this much.
        const rounding = now * Number.EPSILON * 4
        for (const shareOfLength of shares) {
          now += shareOfLength * lengthMs
          window.record(true, now)
          samples.push({ failed: true, at: now })
          const [least] = within(samples, now, (lengthMs * 19) / 20 - rounding, false) as [number]
          const [most] = within(samples, now, lengthMs + rounding, true) as [number]
          expect(hitsAt(window, now)).toBeGreaterThanOrEqual(least)
          expect(hitsAt(window, now)).toBeLessThanOrEqual(most)
        }
      },
    ),
  )
})

test('a time window counts in the newest bucket if the clock goes back', () => {
  const window = new TimeWindow(bucketLength(200))
  window.record(true, 1_000)
  window.record(false, 400)
  expect(callsAt(window, 400)).toBe(2)
  expect(hitsAt(window, 1_000)).toBe(1)
  expect(callsAt(window, 1_200)).toBe(0)
  window.advance(2_000)
  window.record(true, 1_400)
  expect(hitsAt(window, 1_700)).toBe(1)
  expect(hitsAt(window, 2_199)).toBe(1)
})

test('a time window that was cleared counts from 0 in the same bucket', () => {
  const window = new TimeWindow(bucketLength(200))
  window.record(true, 50)
  window.clear()
  expect([callsAt(window, 50), hitsAt(window, 50)]).toEqual([0, 0])
  window.record(false, 51)
  expect([callsAt(window, 51), hitsAt(window, 51)]).toEqual([1, 0])
})

test('a time window that was cleared accepts another clock', () => {
  const window = new TimeWindow(bucketLength(20_000))
  window.record(true, 1_000_000_000)
  window.clear()
  window.record(true, 0)
  expect([callsAt(window, 19_000), callsAt(window, 20_000)]).toEqual([1, 0])
})

test('the largest count window holds a million outcomes and drops the oldest first', () => {
  const window = new CountWindow(1_000_000)
  for (let n = 0; n < 1_000_000; n += 1) window.record(n % 3 === 0)
  expect([window.calls, window.hits]).toEqual([1_000_000, 333_334])
  for (let n = 0; n < 3; n += 1) window.record(false)
  expect([window.calls, window.hits]).toEqual([1_000_000, 333_333])
})

test('a time window agrees with a list of all calls that drops whole twentieths', () => {
  fc.assert(
    fc.property(history, ({ lengthMs, startMs, steps }) => {
      const window = new TimeWindow(bucketLength(lengthMs))
      const bucketMs = lengthMs / 20
      const samples: Sample[] = []
      let now = startMs
      for (const [stepMs, failed] of steps) {
        now += stepMs
        window.record(failed, now)
        samples.push({ failed, at: now })
        const current = Math.floor(now / bucketMs)
        const held = samples.filter(({ at }) => current - Math.floor(at / bucketMs) < 20)
        expect(window.calls).toBe(held.length)
        expect(window.hits).toBe(held.filter((sample) => sample.failed).length)
      }
    }),
    { numRuns: 1_000 },
  )
})
