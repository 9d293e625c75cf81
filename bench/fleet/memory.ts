import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { RedisServer } from '../../test/fleet/helpers/redis.ts'

const CHILD = fileURLToPath(new URL('programs/keyed-limit.ts', import.meta.url))
const TIME_MAX_MS = 300_000

/** The heap of one key of a rate limiter, in bytes. */
export interface KeyBytes {
  readonly local: number
  readonly shared: number
}

/** Measures a limit per key in separate processes: one that is local, and one that is shared. */
export async function measureKeys(server: RedisServer, keys: number): Promise<KeyBytes> {
  const bytes = async (kind: 'local' | 'shared'): Promise<number> => {
    const args = ['--expose-gc', '--conditions=@escudo/source', CHILD, kind, String(keys), String(server.port)]
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: TIME_MAX_MS })
    return Number(stdout)
  }
  return { local: await bytes('local'), shared: await bytes('shared') }
}
