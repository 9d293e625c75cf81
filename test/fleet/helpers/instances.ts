import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** What an instance reports. */
interface Report {
  readonly admitted?: readonly number[]
  readonly refused?: number
  readonly unexpected?: readonly string[]
  readonly waited?: number
  readonly probes?: readonly number[]
  readonly state?: string
  readonly link?: 'lost' | 'recovered'
  readonly change?: { readonly from: string; readonly to: string; readonly reason: string; readonly at: number }
}

/** How an instance calls. */
export interface InstanceOptions {
  readonly port: number
  /** Calls per second of the whole fleet. */
  readonly limit: number
  /** Calls per second of this instance. */
  readonly callsPerSecond: number
}

/** An instance of a service in a separate process, and all that it has reported. */
export class Instance {
  readonly admitted: number[] = []
  readonly probes: number[] = []
  readonly unexpected: string[] = []
  readonly changes: NonNullable<Report['change']>[] = []
  refused = 0
  waited = 0
  state = 'unknown'
  link = 'recovered'
  readonly #child: ChildProcess

  constructor({ port, limit, callsPerSecond }: InstanceOptions) {
    const program = fileURLToPath(new URL('../programs/instance.ts', import.meta.url))
    this.#child = fork(program, [port, limit, callsPerSecond].map(String), {
      execArgv: ['--conditions=@escudo/source'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child.on('message', (report: Report) => {
      this.admitted.push(...(report.admitted ?? []))
      this.probes.push(...(report.probes ?? []))
      this.unexpected.push(...(report.unexpected ?? []))
      this.refused += report.refused ?? 0
      this.waited += report.waited ?? 0
      this.state = report.state ?? this.state
      this.link = report.link ?? this.link
      if (report.change !== undefined) this.changes.push(report.change)
    })
  }

  /** Whether the dependency answers this instance. */
  setDependency(is: 'up' | 'down'): void {
    this.#child.send(is)
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }

  pause(): void {
    this.#child.kill('SIGSTOP')
  }

  resume(): void {
    this.#child.kill('SIGCONT')
  }

  /** Closes the fleet and ends the process. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.send('end')
    await once(this.#child, 'exit')
  }
}

/** The most calls beyond `perMs · t` in any time `t`. */
export function excess(instants: readonly number[], perMs: number): number {
  const sorted = [...instants].sort((a, b) => a - b)
  const first = sorted[0] ?? 0
  let [low, most] = [0, 0]
  sorted.forEach((at, index) => {
    low = Math.min(low, index - (at - first) * perMs)
    most = Math.max(most, index + 1 - (at - first) * perMs - low)
  })
  return most
}
