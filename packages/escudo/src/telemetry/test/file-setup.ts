// Setup of the tests of log files: a folder per test, programs that write to it, and a reader that finds torn lines.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'

export type Line = Readonly<Record<string, unknown>>

/** The folder of the current test. */
export let folder = ''
let children: ChildProcess[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'escudo-faults-'))
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children = []
  rmSync(folder, { recursive: true, force: true })
})

const moduleUrl = (name: string): string => JSON.stringify(new URL(`../${name}.ts`, import.meta.url).href)

/** Runs a program with escudo's sources. `shell` runs before it, to set limits. */
export function run(source: string, shell = ''): ChildProcess {
  const imports = `
    import { createLogger, LineFile, logService } from ${moduleUrl('pino')}
    import { RotatingFile } from ${moduleUrl('rotation')}\n`
  const node = `exec ${JSON.stringify(process.execPath)} --conditions=@escudo/source --input-type=module -e "$0"`
  const child = spawn('bash', ['-c', `${shell}${shell === '' ? '' : '; '}${node}`, imports + source], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  return child
}

/** Waits for a program to end. */
export async function ended(
  child: ChildProcess,
): Promise<{ code: number | null; signal: string | null; errors: string }> {
  let errors = ''
  child.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  child.stdout?.resume()
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  return { code, signal, errors }
}

/** Parses every line of a file. Throws for a torn one. */
export function linesOf(path: string): readonly Line[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
}

/** The lines of all files of the test. */
export function allLines(): readonly Line[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => linesOf(join(folder, name)))
}

/** The log file of the programs of {@link run}. */
export const path = (): string => join(folder, 'shop.jsonl')

/** The code that makes a logger with this file. */
export const file = (options = ''): string =>
  `createLogger({ service: 's', stdout: false, file: ${JSON.stringify(path())}${options} })`

/** The numbers of the lines `tick`. */
export const numbersOf = (lines: readonly Line[]): readonly number[] =>
  lines.filter(({ event }) => event === 'tick').map(({ n }) => Number(n))

export const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index)

/** Waits until a program writes to its standard output. */
export async function firstOutput(child: ChildProcess): Promise<void> {
  await once(child.stdout as NodeJS.ReadableStream, 'data')
}
