import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The name of this measurement, for `--only` and `--list`. */
export const MEMORY = 'one breaker per key, memory'

/** The memory of one breaker per key. */
export interface KeyedMemory {
  readonly by: string
  readonly keys: number
  /** Heap and external memory for each key after a collection. Includes the text of the key. */
  readonly bytesPerKey: number | undefined
  /** Growth of the resident memory of the process for each key. */
  readonly residentBytesPerKey: number | undefined
  /** Why there is no measurement. */
  readonly notAvailable: string | undefined
}

const CHILD = fileURLToPath(new URL('memory/keyed-shield.ts', import.meta.url))
const TIME_MAX_MS = 120_000

/** Measures in separate processes, so that a million keys do not disturb the groups. cockatiel gets a tenth of the keys. */
export async function measureMemory(keys: number, onProgress: (step: string) => void): Promise<KeyedMemory[]> {
  const results: KeyedMemory[] = []
  for (const [by, count] of [
    ['escudo', keys],
    ['cockatiel', Math.ceil(keys / 10)],
  ] as const) {
    onProgress(`${MEMORY}: ${by}, ${count} keys`)
    const args = ['--expose-gc', '--conditions=@escudo/source', CHILD, by, String(count)]
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: TIME_MAX_MS })
    results.push(JSON.parse(stdout) as KeyedMemory)
  }
  return results
}
