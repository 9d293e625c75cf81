import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The name of this measurement beside the groups. */
export const MEMORY = 'one breaker per key, memory'

/** What a breaker for each key takes. */
export interface KeyedMemory {
  readonly by: string
  readonly keys: number
  /** Heap and what it holds outside of it, after a collection, for each key; the key's text included. */
  readonly bytesPerKey: number | undefined
  /** What the process grew by, for each key. */
  readonly residentBytesPerKey: number | undefined
  /** Why there is no figure. */
  readonly notAvailable: string | undefined
}

const CHILD = fileURLToPath(new URL('memory/keyed-shield.ts', import.meta.url))
const TIME_MAX_MS = 120_000

/** Measures in processes of their own, so that a million keys are in nobody's way. cockatiel gets a tenth of the keys. */
export async function measureMemory(keys: number, onProgress: (step: string) => void): Promise<KeyedMemory[]> {
  const results: KeyedMemory[] = []
  for (const [by, own] of [
    ['escudo', keys],
    ['cockatiel', Math.ceil(keys / 10)],
  ] as const) {
    onProgress(`${MEMORY}: ${by}, ${own} keys`)
    const args = ['--expose-gc', '--conditions=@escudo/source', CHILD, by, String(own)]
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: TIME_MAX_MS })
    results.push(JSON.parse(stdout) as KeyedMemory)
  }
  return results
}
