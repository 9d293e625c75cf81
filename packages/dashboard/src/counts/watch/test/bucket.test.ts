import { describe, expect, it } from 'vitest'
import { Ring } from '../bucket.ts'

const SECOND = 1_000
const SIZE = 4

describe('a ring of buckets', () => {
  it('keeps the newest times', () => {
    const ring = new Ring(SECOND, SIZE)
    const newest = ring.at(10 * SECOND, 60 * SECOND)
    expect(newest?.number).toBe(10)
    expect(ring.at(6 * SECOND, 60 * SECOND)).toBeUndefined()
    expect(ring.at(6 * SECOND + 1, 60 * SECOND)).toBeUndefined()
    expect(ring.at(10 * SECOND + 999, 60 * SECOND)).toBe(newest)
    expect(ring.at(7 * SECOND, 60 * SECOND)?.number).toBe(7)
  })

  it('gives up a time ahead of the clock once the clock was set back', () => {
    const ring = new Ring(SECOND, SIZE)
    ring.at(10 * SECOND, 60 * SECOND)
    expect(ring.at(6 * SECOND, 60 * SECOND)).toBeUndefined()
    // The same time is looked for again, and now the one in its place cannot be right.
    expect(ring.at(6 * SECOND, 9 * SECOND)?.number).toBe(6)
  })

  it('finds the bucket of an old time again that came back', () => {
    const ring = new Ring(SECOND, SIZE)
    ring.at(10 * SECOND, 60 * SECOND)
    ring.at(6 * SECOND, 60 * SECOND)
    ring.at(6 * SECOND, 9 * SECOND)
    expect(ring.at(10 * SECOND, 60 * SECOND)?.number).toBe(10)
    expect(ring.at(6 * SECOND, 60 * SECOND)).toBeUndefined()
  })
})
