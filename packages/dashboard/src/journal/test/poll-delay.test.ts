import { expect, it } from 'vitest'
import { pollDelayMs } from '../poll-delay.ts'

it.each([
  [false, 1, 150],
  [false, 400, 150],
  [true, 1, 50],
  [true, 80, 80],
  [true, 400, 150],
])(
  'after new lines (%s) that took %d ms to read, files are looked at again after %d ms',
  (hadLines, tookMs, delayMs) => {
    expect(pollDelayMs(hadLines, tookMs)).toBe(delayMs)
  },
)
