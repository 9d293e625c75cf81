import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Ended } from './target.ts'

/** The absolute path of the repository's root. */
export const ROOT: string = fileURLToPath(new URL('../../..', import.meta.url))

const OUTPUT_LENGTH_MAX = 1024 * 1024

/** A running program of the repository. */
export interface Program {
  readonly child: ChildProcess
  readonly stdout: () => string
  readonly stderr: () => string
  readonly ended: Promise<Ended>
}

/** Starts a script of the repository through `tools/run.mjs`, like every npm script. */
export function startScript(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  nodeFlags: readonly string[] = ['--conditions=@escudo/source'],
): Program {
  const started = performance.now()
  const child = spawn(process.execPath, [...nodeFlags, 'tools/run.mjs', script, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout = (stdout + text).slice(-OUTPUT_LENGTH_MAX)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-OUTPUT_LENGTH_MAX)
  })
  const ended = new Promise<Ended>((resolve) => {
    const end = (code: number | null, signal: string | null): void =>
      resolve({ code, signal, ms: performance.now() - started, stdout, stderr })
    child.once('error', (error) => {
      stderr += error.message
      end(null, null)
    })
    child.once('close', end)
  })
  return { child, stdout: () => stdout, stderr: () => stderr, ended }
}

/** Waits for the end of a program; kills it after `withinMs`. */
export async function endedWithin(program: Program, withinMs: number): Promise<Ended> {
  const timer = setTimeout(() => program.child.kill('SIGKILL'), withinMs)
  try {
    return await program.ended
  } finally {
    clearTimeout(timer)
  }
}
