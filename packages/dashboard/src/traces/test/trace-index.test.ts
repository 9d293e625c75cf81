import { expect, test } from 'vitest'
import { PackedReader, PackedWriter } from '../../counts/packed.ts'
import type { OpenLog } from '../../tail/open-log.ts'
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

test('stores the blocks of one moment, whatever is added or dropped meanwhile', () => {
  const index = new TraceIndex(301_000)
  const log = { number: 1, isBackfilling: false } as unknown as OpenLog
  const hashes = Array.from({ length: 200_000 }, (_, number) => hashOf(`trace-${number}`))
  index.add(log, 0, 1, new TraceHashes(hashes))
  index.add(log, 1, 2, new TraceHashes(hashes.slice(0, 10)))
  const { bytes } = index
  const into = new PackedWriter()
  const packing = index.pack(into)
  // The first block alone fills the writer.
  expect(packing.next().done).toBe(false)
  // For the next one there is only room without the first one.
  index.add(log, 2, 3, new TraceHashes(hashes.slice(0, 1_000)))
  for (const _ of packing);
  const restored = new TraceIndex()
  restored.restore(new PackedReader(into.packed), new Map([[1, log]]))
  expect(restored.find('trace-1').map(({ start, end }) => [start, end])).toEqual([
    [0, 1],
    [1, 2],
  ])
  expect([restored.bytes, restored.isComplete]).toEqual([bytes, true])
  expect(index.find('trace-1').map(({ start }) => start)).toEqual([1, 2])
})
