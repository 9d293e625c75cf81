import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../clock.ts'
import { CallRoot, startedAfter } from '../call.ts'

const DISTANCE_MAX = 2 ** 28 - 1

const newRoot = (): CallRoot =>
  new CallRoot({ name: 's', clock: systemClock, random: Math.random, policies: [] }, undefined, 0)

/** A call with a number, as if that many calls had started before it. The number wraps around at 2^29. */
function numbered(number: number): CallRoot {
  const root = newRoot()
  root.numberAndFacts = (number * 8) | 0
  return root
}

function mark(root: CallRoot, facts: readonly string[]): CallRoot {
  if (facts.includes('called')) root.markCalled()
  if (facts.includes('degraded')) root.markDegraded()
  if (facts.includes('abandoned')) root.markAbandoned()
  return root
}

const factsOf = ({ called, isDegraded, isAbandoned }: CallRoot): string[] => [
  ...(called ? ['called'] : []),
  ...(isDegraded ? ['degraded'] : []),
  ...(isAbandoned ? ['abandoned'] : []),
]

describe('startedAfter()', () => {
  test('orders calls as they are made, whatever is recorded about them', () => {
    let earlier = mark(newRoot(), ['called', 'degraded', 'abandoned'])
    for (let built = 0; built < 10; built += 1) {
      const later = newRoot()
      expect(factsOf(later)).toEqual([])
      expect([startedAfter(later, earlier), startedAfter(earlier, later)]).toEqual([true, false])
      expect(startedAfter(earlier, earlier)).toBe(false)
      earlier = mark(later, ['called', 'degraded', 'abandoned'])
    }
  })

  test.each([
    ['from the largest number to the smallest', 2 ** 28 - 1, 1],
    ['from -1 to 0', 2 ** 29 - 1, 1],
    ['across both', 2 ** 28 - 1, DISTANCE_MAX],
  ])('orders calls around the wrap of the number: %s', (_, number, distance) => {
    const earlier = mark(numbered(number), ['called', 'degraded', 'abandoned'])
    const later = numbered(number + distance)
    expect([startedAfter(later, earlier), startedAfter(earlier, later)]).toEqual([true, false])
  })

  test('property: facts change neither each other nor the order of two calls', () => {
    const facts = fc.subarray(['called', 'degraded', 'abandoned'])
    // Half of the numbers are near the wrap.
    const number = fc.oneof(fc.nat(2 ** 29 - 1), fc.integer({ min: 2 ** 28 - 3, max: 2 ** 28 + 3 }))
    const distance = fc.oneof(fc.integer({ min: 1, max: DISTANCE_MAX }), fc.constantFrom(1, DISTANCE_MAX))
    fc.assert(
      fc.property(number, distance, facts, facts, (first, further, before, after) => {
        const earlier = mark(numbered(first), before)
        const later = mark(numbered(first + further), after)
        expect([factsOf(earlier), factsOf(later)]).toEqual([before, after])
        expect([startedAfter(later, earlier), startedAfter(earlier, later)]).toEqual([true, false])
      }),
      { numRuns: 2_000 },
    )
  })
})
