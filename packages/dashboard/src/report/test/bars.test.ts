import fc from 'fast-check'
import { expect, it } from 'vitest'
import { barsOf } from '../bars.ts'
import { RANGES } from '../ranges.ts'

function columnsOfBars(columns: number, stepMs: number, most: number): readonly number[] {
  const from = 1_800_000_000_000
  const { count, of } = barsOf({ from, to: from + columns * stepMs, stepMs }, most)
  const counts = new Array<number>(count).fill(0)
  for (let at = from; at < from + columns * stepMs; at += stepMs) {
    expect(of(at + stepMs - 1)).toBe(of(at))
    counts[of(at)] = (counts[of(at)] ?? 0) + 1
  }
  return counts
}

it('has the same number of columns in each bar but the oldest, and at most as many bars as wanted', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 400 }),
      fc.constantFrom(1_000, 5_000, 60_000),
      fc.integer({ min: 2, max: 40 }),
      (columns, stepMs, most) => {
        const [oldest = 0, ...others] = columnsOfBars(columns, stepMs, most)
        expect(others.length + 1).toBeLessThanOrEqual(most)
        expect(new Set(others).size).toBeLessThanOrEqual(1)
        if (others[0] !== undefined) expect(oldest).toBeLessThanOrEqual(others[0])
        expect(oldest + others.reduce((sum, count) => sum + count, 0)).toBe(columns)
      },
    ),
    { numRuns: 500 },
  )
})

it('has equal bars in every range of the page', () => {
  for (const [seconds, step] of RANGES)
    for (const most of [24, 30]) expect(new Set(columnsOfBars(seconds / step, step * 1_000, most)).size).toBe(1)
})
