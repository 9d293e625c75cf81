import { GCProfiler, getHeapStatistics } from 'node:v8'

/**
 * How many bytes were allocated while `work` ran: what the heap grew by, and what collections freed meanwhile. Nothing
 * is collected by force, so the young generation keeps the size that it has in a program.
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
