import fc from 'fast-check'
import { expect, it } from 'vitest'
import { TraceHashes } from '../trace-hashes.ts'

const hash = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })

it('has what was added since it was cleared, each hash once, in order', () => {
  fc.assert(
    fc.property(fc.array(hash), fc.array(fc.oneof(hash, fc.integer({ min: -5, max: 5 }))), (before, added) => {
      const hashes = new TraceHashes(before)
      hashes.clear()
      for (const one of added) hashes.add(one)
      const wanted = new Set(added)
      expect([...hashes.values]).toEqual([...wanted])
      expect(hashes.size).toBe(wanted.size)
      for (const one of [...before, ...added, 0]) expect(hashes.has(one)).toBe(wanted.has(one))
    }),
  )
})

it('grows, with hashes that fall into the same place', () => {
  const added = Array.from({ length: 20_000 }, (_, number) => (number % 2 === 0 ? number << 16 : number))
  const hashes = new TraceHashes(added)
  expect([...hashes.values]).toEqual([...new Set(added)])
  expect(added.every((one) => hashes.has(one))).toBe(true)
  expect(hashes.has(-1)).toBe(false)
})
