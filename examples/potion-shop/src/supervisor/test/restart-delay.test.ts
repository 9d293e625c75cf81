import { expect, test } from 'vitest'
import { restartDelayMs } from '../restart-delay.ts'

/** The delays of a process that lives for `aliveMs` each time. */
function delays(lives: readonly number[]): number[] {
  const seen: number[] = []
  for (const aliveMs of lives) seen.push(restartDelayMs(seen.at(-1), aliveMs))
  return seen
}

test('a process that dies at once is left longer each time, up to ten seconds', () => {
  expect(delays([0, 0, 0, 0, 0, 0, 0])).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000])
})

test('thirty seconds of life put the delay back to half a second', () => {
  expect(delays([0, 0, 30_000, 0])).toEqual([500, 1000, 500, 1000])
})

test('a life just short of thirty seconds does not', () => {
  expect(delays([0, 0, 29_999])).toEqual([500, 1000, 2000])
})
