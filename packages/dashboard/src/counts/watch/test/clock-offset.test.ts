import { describe, expect, it } from 'vitest'
import { ClockOffset } from '../clock-offset.ts'

const NOW = 1_800_000_000_000

/** Adds lines with these offsets in seconds, one per second of the reader's clock. */
function offsetOf(offsets: readonly number[], everyMs = 1_000): number {
  const clock = new ClockOffset()
  offsets.forEach((offset, index) => {
    const arrivedMs = NOW + index * everyMs
    clock.add(arrivedMs + offset * 1_000, arrivedMs)
  })
  return clock.ms
}

describe('a clock', () => {
  it.each([
    { name: 'right', offsets: [0, -0.1, -0.2, 0, 0], ms: 0 },
    { name: 'exactly 5 s ahead', offsets: [5, 5, 5, 5], ms: 0 },
    { name: 'more than 5 s ahead', offsets: [5.001, 5.001, 5.001], ms: 5_001 },
    { name: '90 s ahead, with delays', offsets: [89, 90, 88, 89.5], ms: 90_000 },
    { name: 'an hour ahead, as with a wrong zone', offsets: [3_600, 3_599.9, 3_600], ms: 3_600_000 },
    { name: 'ahead in only two lines', offsets: [90, 90], ms: 0 },
    { name: 'right, with one line twenty hours ahead', offsets: [0, 0, 72_000, 0, 0], ms: 0 },
    { name: '90 s ahead, with one line twenty hours ahead', offsets: [90, 90, 72_000, 90, 90], ms: 90_000 },
    { name: 'further away than any zone', offsets: [94_000, 94_000, 94_000, 94_000], ms: 0 },
    { name: 'anything, without a pattern', offsets: [200, 900, 20, 4_000, 70], ms: 0 },
    { name: 'a minute behind', offsets: [-60, -60.5, -61, -60], ms: -60_000 },
    { name: 'a minute behind, in too few arrivals', offsets: [-60, -60, -60], ms: 0 },
  ])('$name gives $ms', ({ offsets, ms }) => {
    expect(offsetOf(offsets)).toBe(ms)
  })

  it('is not behind because an old file was read at once, or grows by old lines quickly', () => {
    expect(
      offsetOf(
        Array.from({ length: 100 }, () => -600),
        0,
      ),
    ).toBe(0)
    expect(
      offsetOf(
        Array.from({ length: 100 }, () => -600),
        10,
      ),
    ).toBe(0)
  })

  it('is right again after it was set', () => {
    expect(offsetOf([...Array.from({ length: 30 }, () => 90), ...Array.from({ length: 16 }, () => 0)])).toBe(0)
  })
})
