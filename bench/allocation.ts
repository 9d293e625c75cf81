import { GCProfiler, getHeapStatistics } from 'node:v8'

/**
 * Counts the bytes allocated while `work` runs: heap growth plus what collections freed. No collection is forced, so that
 * the young generation keeps its normal size.
 */
export async function allocatedBytes(work: () => Promise<void>): Promise<number> {
  const profiler = new GCProfiler()
  profiler.start()
  const before = getHeapStatistics().used_heap_size
  await work()
  const after = getHeapStatistics().used_heap_size
  const collections = profiler.stop()?.statistics ?? []
  const freed = collections.reduce(
    (sum, { beforeGC, afterGC }) => sum + beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize,
    0,
  )
  return after - before + freed
}
