import type { Pinning } from './pinning.ts'
import { Stage } from './stage.ts'
import { SHOP_TARGETS, shopCase, startShop } from './suites/shop.ts'

/** The name of this measurement, for `--only` and `--list`. */
export const MEMORY = 'shop: memory'

/** The memory of the shop after a number of requests. */
export interface MemoryPoint {
  readonly requests: number
  readonly rssBytes: number
  /** Garbage that is not collected yet included. */
  readonly heapBytes: number
}

const PARTS = 10
const KINDS = Object.keys(SHOP_TARGETS) as readonly (keyof typeof SHOP_TARGETS)[]
/** A circuit is open for 10 s. */
const CHUNK_MS_MAX = 5_000

/** Sends requests to the shop, a third of each kind, and reads its memory after every tenth. */
export async function measureShopMemory(
  requests: number,
  pinning: Pinning,
  onProgress: (step: string) => void,
): Promise<MemoryPoint[]> {
  const stage = await Stage.open(pinning)
  try {
    const shop = await startShop(stage)
    const cases = []
    for (const kind of KINDS) cases.push(await shopCase(stage, shop, MEMORY, kind))
    const points: MemoryPoint[] = []
    const addPoint = async (sent: number): Promise<void> => {
      const { rssBytes, heapBytes = Number.NaN } = await shop.usage()
      points.push({ requests: sent, rssBytes, heapBytes })
    }
    let sent = 0
    await addPoint(sent)
    for (let part = 1; part <= PARTS; part += 1) {
      for (const [index, { prepare, run }] of cases.entries()) {
        const target = Math.round((requests * (part - 1 + (index + 1) / cases.length)) / PARTS)
        while (sent < target) {
          onProgress(`${MEMORY}: ${sent} of ${requests} requests`)
          await prepare?.()
          sent += (await run(CHUNK_MS_MAX, target - sent)).requests
          await stage.emptyLogs()
        }
      }
      await addPoint(sent)
    }
    return points
  } finally {
    await stage.close()
  }
}

/** The largest resident memory. */
export function rssMax(points: readonly MemoryPoint[]): number | undefined {
  return points.length === 0 ? undefined : Math.max(...points.map(({ rssBytes }) => rssBytes))
}

/** The resident memory at the end, divided by that after half of the requests. */
export function growth(points: readonly MemoryPoint[]): number | undefined {
  const [half, last] = [points[PARTS / 2], points[PARTS]]
  return half === undefined || last === undefined ? undefined : last.rssBytes / half.rssBytes
}
