import { expect, test } from 'vitest'
import { restartDelayMs } from '../restart-delay.ts'

/** The delays after runs of the given lengths. */
function delays(runsMs: readonly number[]): number[] {
  const seen: number[] = []
  for (const aliveMs of runsMs) seen.push(restartDelayMs(seen.at(-1), aliveMs))
  return seen
}

test('doubles the delay after each early exit, up to 10 s', () => {
  expect(delays([0, 0, 0, 0, 0, 0, 0])).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000])
})

test('resets the delay to 500 ms after a run of 30 s', () => {
  expect(delays([0, 0, 30_000, 0])).toEqual([500, 1000, 500, 1000])
})

test('keeps doubling after a run just short of 30 s', () => {
  expect(delays([0, 0, 29_999])).toEqual([500, 1000, 2000])
})
