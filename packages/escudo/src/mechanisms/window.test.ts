import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CountWindow, TimeWindow } from './window.ts'

interface Sample {
  readonly failed: boolean
  readonly at: number
}

/** Steps of time as they occur: nothing, a moment, a window's length, an idle hour. */
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

test('a count window holds exactly the last n outcomes, whatever came before', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 30 }),
      fc.array(fc.boolean(), { maxLength: 200, size: 'max' }),
      (size, outcomes) => {
        const window = new CountWindow(size)
        outcomes.forEach((failed, index) => {
          window.record(failed)
          const last = outcomes.slice(Math.max(0, index + 1 - size), index + 1)
          expect(window.calls()).toBe(last.length)
          expect(window.failures()).toBe(last.filter(Boolean).length)
        })
      },
    ),
  )
})

test('a count window that was cleared counts as a new one does', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.boolean(), { maxLength: 40, size: 'max' }),
      fc.array(fc.boolean(), { maxLength: 40, size: 'max' }),
      (size, before, after) => {
        const used = new CountWindow(size)
        for (const failed of before) used.record(failed)
        used.clear()
        expect([used.calls(), used.failures()]).toEqual([0, 0])
        const fresh = new CountWindow(size)
        for (const failed of after) {
          used.record(failed)
          fresh.record(failed)
          expect([used.calls(), used.failures()]).toEqual([fresh.calls(), fresh.failures()])
        }
      },
    ),
  )
})

test('a time window never counts what is older than its length, and always what is younger than 19/20 of it', () => {
  fc.assert(
    fc.property(history, ({ lengthMs, startMs, steps }) => {
      const window = new TimeWindow(lengthMs)
      const samples: Sample[] = []
      let now = startMs
      for (const [stepMs, failed] of steps) {
        now += stepMs
        // Read before the next outcome comes, too: a status page asks at any time.
        for (const record of [false, true]) {
          if (record) {
            window.record(failed, now)
            samples.push({ failed, at: now })
          }
          const [callsLeast, failuresLeast] = within(samples, now, (lengthMs * 19) / 20, true) as [number, number]
          const [callsMost, failuresMost] = within(samples, now, lengthMs, false) as [number, number]
          expect(window.calls(now)).toBeGreaterThanOrEqual(callsLeast)
          expect(window.calls(now)).toBeLessThanOrEqual(callsMost)
          expect(window.failures(now)).toBeGreaterThanOrEqual(failuresLeast)
          expect(window.failures(now)).toBeLessThanOrEqual(failuresMost)
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('a time window forgets in steps of a twentieth of its length at most', () => {
  const window = new TimeWindow(1_000)
  for (let at = 0; at < 1_000; at += 1) window.record(true, at)
  let before = window.failures(999)
  for (let now = 1_000; now < 2_100; now += 1) {
    const after = window.failures(now)
    expect(before - after).toBeLessThanOrEqual(50)
    before = after
  }
  expect(before).toBe(0)
})

test('after an idle hour nothing from before counts', () => {
  const window = new TimeWindow(30_000)
  for (let n = 0; n < 100; n += 1) window.record(true, 5_000 + n)
  expect(window.calls(3_605_000)).toBe(0)
  expect(window.failures(3_605_000)).toBe(0)
  window.record(false, 3_605_000)
  expect(window.calls(3_605_000)).toBe(1)
  expect(window.failures(3_605_000)).toBe(0)
})

test('a length that is no multiple of twenty, and instants with fractions, keep to the same bounds', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1, max: 10_000, noNaN: true }),
      fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { maxLength: 60, size: 'max' }),
      (lengthMs, shares) => {
        const window = new TimeWindow(lengthMs)
        const samples: Sample[] = []
        let now = 1_234_567.891
        // A rounding error of the division may move the edge of a bucket by that much, and no more.
        const rounding = now * Number.EPSILON * 4
        for (const shareOfLength of shares) {
          now += shareOfLength * lengthMs
          window.record(true, now)
          samples.push({ failed: true, at: now })
          const [least] = within(samples, now, (lengthMs * 19) / 20 - rounding, false) as [number]
          const [most] = within(samples, now, lengthMs + rounding, true) as [number]
          expect(window.failures(now)).toBeGreaterThanOrEqual(least)
          expect(window.failures(now)).toBeLessThanOrEqual(most)
        }
      },
    ),
  )
})

test('a time that goes back counts in the newest bucket and forgets nothing', () => {
  const window = new TimeWindow(200)
  window.record(true, 1_000)
  window.record(false, 400)
  expect(window.calls(400)).toBe(2)
  expect(window.failures(1_000)).toBe(1)
  expect(window.calls(1_200)).toBe(0)
})

test('a time window that was cleared counts from nothing, in the same bucket', () => {
  const window = new TimeWindow(200)
  window.record(true, 50)
  window.clear()
  expect([window.calls(50), window.failures(50)]).toEqual([0, 0])
  window.record(false, 51)
  expect([window.calls(51), window.failures(51)]).toEqual([1, 0])
})
