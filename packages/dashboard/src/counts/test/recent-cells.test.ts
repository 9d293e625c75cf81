import { expect, it } from 'vitest'
import { Timeline, timesOf } from '../timeline.ts'

const AT = 1_790_000_000_500
const CELL = 7

/** The count of the cell in each slot of a second, and the revision of the slot. */
function secondsOf(timeline: Timeline): readonly (readonly [second: number, count: number, revision: number])[] {
  return [...timeline.between(1_000, AT - 60_000, AT + 60_000)]
    .map(([at, slot]) => [(at - AT + 500) / 1_000, slot.cells.get(CELL)?.count ?? 0, slot.revision] as const)
    .sort(([a], [b]) => a - b)
}

function counted(): Timeline {
  const timeline = new Timeline((cell) => cell)
  timeline.add(AT, CELL, 5)
  return timeline
}

it('writes a raised revision into the slot of a cell that is counted again', () => {
  const timeline = counted()
  timeline.revision = 2
  timeline.add(AT, CELL, 5)
  expect(secondsOf(timeline)).toEqual([[0, 2, 2]])
})

it('counts a cell again after its only count was taken', () => {
  const timeline = counted()
  timeline.take(timesOf(AT), CELL)
  timeline.add(AT, CELL, 5)
  expect(secondsOf(timeline)).toEqual([[0, 1, 1]])
  expect(timeline.total.cells.get(CELL)?.count).toBe(1)
})

it('counts a cell at its time after what was counted before moved', () => {
  const timeline = counted()
  timeline.move(() => true, Number.NEGATIVE_INFINITY, 10_000, AT + 20_000)
  timeline.add(AT, CELL, 5)
  expect(secondsOf(timeline).map(([second, count]) => [second, count])).toEqual([
    [0, 1],
    [10, 1],
  ])
})
