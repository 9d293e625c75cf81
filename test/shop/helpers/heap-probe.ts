// Loaded ahead of a service (`node --expose-gc --import`): whoever started the process may ask, over the channel between
// the two, how much memory it holds once all that is garbage has gone. The service itself knows nothing of this.

import { getHeapSpaceStatistics } from 'node:v8'

/** What the process tells of itself. */
export interface Probe {
  readonly heapUsed: number
  readonly rss: number
  /** The part of the heap that is data: without machine code, bytecode and what belongs to them. */
  readonly data: number
  /** What keeps the process alive, by kind: sockets, timers. */
  readonly resources: Readonly<Record<string, number>>
}

const ROUNDS = 5
const BETWEEN_ROUNDS_MS = 100

process.on('message', (message) => {
  if (message === 'probe') void probe().then((found) => process.send?.(found))
})

async function probe(): Promise<Probe> {
  // What finalisers let go of is garbage only in the next round; and a compiler may be at work beside the program.
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
