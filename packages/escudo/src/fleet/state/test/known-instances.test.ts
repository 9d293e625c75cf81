import { describe, expect, test } from 'vitest'
import { KnownInstances } from '../known-instances.ts'

function knows(counts: readonly (number | 'failed')[]): number[] {
  const known = new KnownInstances(3_000)
  return counts.map((count, second) => {
    if (count === 'failed') known.failed()
    else known.answered(count, second * 1_000)
    return known.count
  })
}

describe('the number of instances', () => {
  test('is 1 at first, and grows at once', () => {
    expect(new KnownInstances(3_000).count).toBe(1)
    expect(knows([0, 2, 8])).toEqual([1, 2, 8])
  })

  test('shrinks only after three seconds', () => {
    expect(knows([8, 8, 4, 4, 4, 4, 3, 3, 3, 3])).toEqual([8, 8, 8, 8, 4, 4, 4, 4, 3, 3])
  })

  test('outlasts a loss of all data', () => {
    expect(knows([8, 1, 8, 8])).toEqual([8, 8, 8, 8])
  })

  test('outlasts a long time without an answer, and an empty set after it', () => {
    expect(knows([8, ...Array(20).fill('failed'), 1, 5, 8, 8]).slice(-4)).toEqual([8, 8, 8, 8])
    expect(knows([8, 'failed', 'failed', 'failed', 'failed', 2, 2, 2, 2]).slice(-4)).toEqual([8, 8, 8, 2])
  })
})
