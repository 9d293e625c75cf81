// Loaded before a service with `node --expose-gc --import`. The parent process sends 'probe' over the IPC channel and
// gets the memory use after garbage collection. The service itself needs no change.

import { getHeapSpaceStatistics } from 'node:v8'

/** The memory use of the process, and what keeps it alive. */
export interface Probe {
  readonly heapUsed: number
  readonly rss: number
  /** Bytes of the heap that are data: without machine code, bytecode and their metadata. */
  readonly data: number
  /** The number of resources that keep the process alive, by type: sockets, timers. */
  readonly resources: Readonly<Record<string, number>>
}

const ROUNDS = 5
const BETWEEN_ROUNDS_MS = 100

process.on('message', (message) => {
  if (message === 'probe') void probe().then((found) => process.send?.(found))
})

async function probe(): Promise<Probe> {
  // Several rounds: objects that finalizers release become garbage only in the next round, and the JIT compiler may
  // still run in the background.
  for (let round = 0; round < ROUNDS; round += 1) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_ROUNDS_MS))
  }
  globalThis.gc?.()
  const { heapUsed, rss } = process.memoryUsage()
  let data = 0
  for (const { space_name, space_used_size } of getHeapSpaceStatistics()) {
    if (!/code|trusted/.test(space_name)) data += space_used_size
  }
  const resources: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1
  return { heapUsed, rss, data, resources }
}
