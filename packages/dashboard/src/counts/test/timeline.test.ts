import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CELLS_MAX, Cells, OTHER } from '../cells.ts'
import { CELLS_PER_SLOT_MAX, Tally, TIERS, Timeline } from '../timeline.ts'

const NOW = 1_800_000_000_000
const times = fc.array(fc.integer({ min: NOW - 8 * 86_400_000, max: NOW }), { maxLength: 200 })

function timelineOf(ats: readonly number[]): Timeline {
  const timeline = new Timeline((cell) => cell)
  for (const at of ats) timeline.add(at, 0, 1)
  return timeline
}

function countBetween(timeline: Timeline, stepMs: number, from: number, to: number): number {
  let count = 0
  for (const [, slot] of timeline.between(stepMs, from, to)) count += slot.cells.get(0)?.count ?? 0
  return count
}

test('counts in a range exactly the lines still kept, in whatever order they arrive', () => {
  fc.assert(
    fc.property(times, fc.integer({ min: 0, max: 7 * 86_400 }), (ats, secondsAgo) => {
      const timeline = timelineOf(ats)
      for (const { stepMs, slots } of TIERS) {
        const from = Math.floor((NOW - secondsAgo * 1_000) / stepMs) * stepMs
        const oldest = (Math.floor(timeline.newest / stepMs) - slots + 1) * stepMs
        const expected = ats.filter((at) => at >= from && at >= oldest).length
        // A slot may have expired since a line was counted, and a line that arrived too late never got a slot. Neither counts.
        expect(countBetween(timeline, stepMs, from, NOW + 1)).toBe(expected)
      }
      expect(timeline.total.cells.get(0)?.count ?? 0).toBe(ats.length)
    }),
  )
})

test('chooses the finest step that still covers all of a range', () => {
  const timeline = timelineOf([NOW])
  expect(timeline.stepFor(NOW - 909_000)).toBe(1_000)
  expect(timeline.stepFor(NOW - 911_000)).toBe(10_000)
  expect(timeline.stepFor(NOW - 6 * 3_600_000 - 10_000)).toBe(60_000)
  expect(timeline.stepFor(0)).toBe(60_000)
})

test('removes old slots after a long pause or a jump of the clock', () => {
  const timeline = timelineOf([NOW - 86_400_000 * 7, NOW])
  for (const { stepMs } of TIERS.slice(0, 2)) expect([...timeline.between(stepMs, 0, NOW + 1)]).toHaveLength(1)
})

test('counts the cells beyond the bound of a slot together, and loses none', () => {
  const cells = new Cells()
  const timeline = new Timeline((cell) => cells.overflow(cell))
  const lines = CELLS_PER_SLOT_MAX * 3
  for (let line = 0; line < lines; line += 1) timeline.add(NOW, cells.request(`s${line}`, 200, undefined, undefined), 1)
  const tally = new Tally()
  for (const [, slot] of timeline.between(1_000, NOW, NOW + 1)) tally.merge(slot)
  expect(tally.cells.size).toBe(CELLS_PER_SLOT_MAX + 1)
  expect([...tally.cells.values()].reduce((sum, { count }) => sum + count, 0)).toBe(lines)
})

test('removes old slots as time advances second by second', () => {
  const timeline = timelineOf(Array.from({ length: 2_000 }, (_, second) => NOW + second * 1_000))
  expect([...timeline.between(1_000, 0, NOW * 2)]).toHaveLength(910)
})

test('counts an unlimited number of names under one name', () => {
  const cells = new Cells()
  let last = 0
  for (let i = 0; i < 20_000; i += 1) last = cells.request(`s${i}`, 400 + (i % 200), `C${i}`, 'business')
  expect(cells.key(last)).toMatchObject({ service: OTHER, code: OTHER })
})

test('bounds the number of cells even when each name is within its bound', () => {
  const cells = new Cells()
  const numbers = new Set<number>()
  for (let i = 0; i < 100_000; i += 1) {
    numbers.add(cells.request(`s${i % 1_000}`, 400 + (i % 7), `C${Math.floor(i / 1_000)}`, 'technical'))
    numbers.add(cells.request(OTHER, 400 + (i % 7), `C${i % 400}`, 'business'))
  }
  expect(numbers.size).toBeLessThan(CELLS_MAX + 50)
})

test('keeps the seconds of the present when a line is dated twenty hours ahead', () => {
  const timeline = timelineOf(Array.from({ length: 60 }, (_, second) => NOW - second * 1_000))
  const ahead = NOW + 72_000_000
  expect(timeline.add(ahead, 0, 1, NOW)).toBe(true)
  expect(timeline.newest).toBe(NOW)
  expect(timeline.stepFor(NOW - 59_000, NOW + 1)).toBe(1_000)
  expect(countBetween(timeline, 1_000, NOW - 59_000, NOW + 1)).toBe(60)
  expect(timeline.stepFor(NOW - 59_000, ahead + 1)).toBe(60_000)
  expect(countBetween(timeline, 60_000, ahead - 60_000, ahead + 1)).toBe(1)
})

test('bounds the slots of lines ahead of the clock', () => {
  const timeline = new Timeline((cell) => cell)
  for (let second = 10; second < 80_000; second += 1) timeline.add(NOW + second * 1_000, 0, 1, NOW)
  for (const { stepMs, slots } of TIERS) {
    expect([...timeline.between(stepMs, 0, NOW * 2)].length).toBeLessThanOrEqual(slots)
  }
  expect(timeline.total.cells.get(0)?.count).toBe(79_990)
})

test('moves the chosen cells to other times, and neither loses a count nor counts one twice', () => {
  const seconds = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 60 })
  const byMs = fc.constantFrom(-120_000, -60_000, 60_000, 120_000)
  fc.assert(
    fc.property(seconds, seconds, byMs, fc.integer({ min: 0, max: 400 }), (moved, kept, by, fromSecond) => {
      const start = NOW - 600_000
      const timeline = new Timeline((cell) => cell)
      const at = (second: number): number => start + second * 1_000
      for (const second of moved) timeline.add(at(second), 0, 7, NOW)
      for (const second of kept) timeline.add(at(second), 1, undefined, NOW)
      const from = Math.floor(at(fromSecond) / 60_000) * 60_000
      timeline.move((cell) => cell === 0, from, by, NOW)
      for (const { stepMs } of TIERS) {
        const expected = new Map<string, number>()
        const count = (time: number, cell: number): void => {
          const key = `${Math.floor(time / stepMs) * stepMs} ${cell}`
          expected.set(key, (expected.get(key) ?? 0) + 1)
        }
        for (const second of moved) count(at(second) >= from ? at(second) + by : at(second), 0)
        for (const second of kept) count(at(second), 1)
        const found = new Map<string, number>()
        for (const [time, slot] of timeline.between(stepMs, 0, NOW * 2))
          for (const [cell, counted] of slot.cells) found.set(`${time} ${cell}`, counted.count)
        expect(found).toEqual(expected)
      }
    }),
    { numRuns: 300 },
  )
})
