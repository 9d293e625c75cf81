import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What a run of the benchmark printed. */
export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs `npm run bench` with these arguments. */
export function bench(...args: readonly string[]): Promise<Ran> {
  const all = ['--conditions=@escudo/source', 'bench/run.ts', ...args]
  return new Promise((resolve) => {
    execFile(process.execPath, all, { cwd: root, timeout: 150_000, maxBuffer: 2 ** 24 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err })
    })
  })
}
