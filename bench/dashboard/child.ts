import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'

/** Runs a measured program. */
export class Child {
  readonly #process: ChildProcess
  readonly lines: string[] = []
  #hasExited = false

  constructor(args: readonly string[]) {
    this.#process = spawn(process.execPath, ['--conditions=@escudo/source', ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let rest = ''
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n')
      rest = parts.pop() ?? ''
      this.lines.push(...parts)
    })
    this.#process.once('exit', () => {
      this.#hasExited = true
    })
  }

  get hasExited(): boolean {
    return this.#hasExited
  }

  /** Reads current and peak memory in MiB. Undefined on systems other than Linux and after the exit. */
  async memory(): Promise<{ readonly now: number; readonly peak: number } | undefined> {
    const status = await readFile(`/proc/${this.#process.pid}/status`, 'utf8').catch(() => '')
    const of = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1_024
    return Number.isNaN(of('VmHWM')) ? undefined : { now: of('VmRSS'), peak: of('VmHWM') }
  }

  async end(): Promise<void> {
    if (this.#hasExited) return
    const exit = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.kill('SIGKILL')
    await exit
  }
}

/** Returns a free port. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}
