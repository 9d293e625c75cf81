import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { ROOT } from '../tidy/repository.ts'

const TSC = join(ROOT, 'node_modules/typescript/bin/tsc')

/**
 * Runs the TypeScript compiler.
 *
 * @throws Error with what the compiler printed, if a source cannot be compiled
 */
export function compile(...args: readonly string[]): void {
  try {
    execFileSync(process.execPath, [TSC, ...args, '--pretty', 'false'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  } catch (error) {
    throw new Error((error as { stdout?: string }).stdout || String(error))
  }
}
