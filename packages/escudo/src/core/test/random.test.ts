import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seededRandom } from '../random.ts'

const take = (seed: number, count: number): number[] => {
  const random = seededRandom(seed)
  return Array.from({ length: count }, () => random())
}

test('the same seed gives the same numbers, another seed gives others', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer(), (seed, other) => {
      expect(take(seed, 20)).toEqual(take(seed, 20))
      if ((seed | 0) !== (other | 0)) expect(take(seed, 20)).not.toEqual(take(other, 20))
    }),
  )
})

test('numbers are from 0 (included) to 1 (excluded), evenly distributed', () => {
  const numbers = take(42, 100_000)
  expect(numbers.every((n) => n >= 0 && n < 1)).toBe(true)
  const tenths = Array.from({ length: 10 }, (_, i) => numbers.filter((n) => Math.floor(n * 10) === i).length)
  for (const count of tenths) expect(Math.abs(count - 10_000)).toBeLessThan(500)
})

test('two generators with the same seed do not share state', () => {
  const [first, second] = [seededRandom(7), seededRandom(7)]
  first()
  first()
  expect(second()).toBe(take(7, 1)[0])
})
