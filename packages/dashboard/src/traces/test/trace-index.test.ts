import { expect, test } from 'vitest'
import { hashOf, TraceFilter } from '../trace-filter.ts'
import { TraceHashes } from '../trace-hashes.ts'
import { TraceIndex } from '../trace-index.ts'

test('finds every trace in a filter, with less than 1 % false positives', () => {
  const hashes = Array.from({ length: 5_000 }, (_, number) => hashOf(`trace-${number}`))
  const filter = new TraceFilter(new TraceHashes(hashes))
  for (const hash of hashes) expect(filter.mayHave(hash)).toBe(true)
  let falsePositives = 0
  for (let number = 0; number < 20_000; number += 1) falsePositives += filter.mayHave(hashOf(`other-${number}`)) ? 1 : 0
  expect(falsePositives / 20_000).toBeLessThan(0.01)
})

test('drops the oldest blocks beyond its memory and reports that it is incomplete', () => {
  const index = new TraceIndex(3_000)
  const open = { isBackfilling: false } as Parameters<TraceIndex['add']>[0]
  for (let block = 0; block < 10; block += 1) {
    const traces = Array.from({ length: 500 }, (_, number) => hashOf(`${block}-${number}`))
    index.add(open, block, block + 1, new TraceHashes(traces))
  }
  expect(index.bytes).toBeLessThanOrEqual(3_000)
  expect(index.isComplete).toBe(false)
  expect(index.find('9-1').map(({ start }) => start)).toEqual([9])
  expect(index.find('0-1').some(({ start }) => start === 0)).toBe(false)
})
