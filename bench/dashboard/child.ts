import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'

/** A program that is measured. */
export class Child {
  readonly #process: ChildProcess
  readonly lines: string[] = []
  #isOver = false

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
      this.#isOver = true
    })
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Its memory in megabytes, now and at its highest, as Linux tells it; undefined elsewhere, and when it is over. */
  async memory(): Promise<{ readonly now: number; readonly peak: number } | undefined> {
    const status = await readFile(`/proc/${this.#process.pid}/status`, 'utf8').catch(() => '')
    const of = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1_024
    return Number.isNaN(of('VmHWM')) ? undefined : { now: of('VmRSS'), peak: of('VmHWM') }
  }

  async end(): Promise<void> {
    if (this.#isOver) return
    const exit = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.kill('SIGKILL')
    await exit
  }
}

/** A port that nobody holds. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}
