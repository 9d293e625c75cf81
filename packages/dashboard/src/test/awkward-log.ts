import { type FileHandle, open } from 'node:fs/promises'
import { WRITERS } from './awkward-lines.ts'
import type { Random, Written } from './awkward-values.ts'

/** What a generated log holds, counted while it was written. */
export interface Truth {
  read: number
  recognised: number
  malformed: number
  requests: number
  latencies: number
  latencyMsSum: number
  readonly byStatus: Record<string, number>
}

/** Writes at least `lines` lines of many formats, awkward ones among them, and returns what they hold. */
export async function writeAwkwardLog(path: string, lines: number, seed: number): Promise<Truth> {
  const truth: Truth = {
    read: 0,
    recognised: 0,
    malformed: 0,
    requests: 0,
    latencies: 0,
    latencyMsSum: 0,
    byStatus: {},
  }
  const random = randomOf(seed)
  const start = Date.now() - 3_600_000
  const file: FileHandle = await open(path, 'w')
  try {
    let parts: Buffer[] = []
    while (truth.read < lines) {
      const writer = WRITERS[random.integer(WRITERS.length)]
      if (writer === undefined) continue
      const written = writer(random, start + Math.floor((truth.read / lines) * 3_600_000), truth.read)
      parts.push(typeof written.text === 'string' ? Buffer.from(written.text) : written.text)
      count(truth, written)
      if (parts.length >= 2_000) {
        await file.write(Buffer.concat(parts))
        parts = []
      }
    }
    await file.write(Buffer.concat(parts))
  } finally {
    await file.close()
  }
  return truth
}

function count(truth: Truth, { read = 1, recognised, malformed = 0, requests = [] }: Written): void {
  truth.read += read
  truth.recognised += recognised ?? read - malformed
  truth.malformed += malformed
  for (const { status, ms } of requests) {
    truth.requests += 1
    truth.byStatus[status] = (truth.byStatus[status] ?? 0) + 1
    if (ms === undefined) continue
    truth.latencies += 1
    truth.latencyMsSum += ms
  }
}

/** Mulberry32. */
function randomOf(seed: number): Random {
  let state = seed | 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  return { next, integer: (max) => Math.floor(next() * max) }
}
