import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Library } from './clients.ts'
import type { Holders } from './holders.ts'

/** A change of the circuit of an instance. */
export interface CircuitChange {
  readonly from: string
  readonly to: string
  readonly reason: string
  readonly at: number
}

/** What an instance reports. */
interface Report {
  readonly admitted?: readonly number[]
  readonly refused?: number
  readonly unexpected?: readonly string[]
  readonly waited?: number
  readonly unanswered?: number
  readonly probes?: readonly number[]
  readonly state?: string
  readonly link?: 'lost' | 'recovered'
  readonly at?: number
  readonly change?: CircuitChange
  /** How many calls use a permit of a bulkhead. The instance waits until the test has heard of it. */
  readonly bulkhead?: string
  readonly holders?: number
  readonly told?: number
}

/** How an instance calls. */
export interface InstanceOptions {
  /** The port of Redis, or those of the nodes of a cluster. */
  readonly ports: readonly number[]
  /** Default: ioredis. */
  readonly library?: Library
  /** Calls per second of the whole fleet. */
  readonly limit: number
  /** Calls per second of this instance. */
  readonly callsPerSecond: number
  /** The limit of the two shared bulkheads; without it, there are none. */
  readonly permits?: number | undefined
  /** Whether the calls of these bulkheads keep their permits at first. */
  readonly keeps?: boolean
}

/** An instance of a service in a separate process, and all that it has reported. */
export class Instance {
  readonly admitted: number[] = []
  readonly probes: number[] = []
  readonly unexpected: string[] = []
  readonly changes: CircuitChange[] = []
  refused = 0
  waited = 0
  /** Questions to Redis without an answer in time. After two of them, the circuit is separate from the fleet's. */
  unanswered = 0
  state = 'unknown'
  link = 'recovered'
  /** When `link` changed last. */
  linkMs = 0
  /** How often it has said how many permits its calls use. */
  told = 0
  readonly #child: ChildProcess
  readonly #holders: Holders

  constructor(options: InstanceOptions, holders: Holders) {
    this.#holders = holders
    const program = fileURLToPath(new URL('../programs/instance.ts', import.meta.url))
    this.#child = fork(program, [JSON.stringify(options)], {
      execArgv: ['--conditions=@escudo/source'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child.on('exit', () => holders.remove(this))
    this.#child.on('message', (report: Report) => {
      if (report.bulkhead !== undefined) return this.#heard(report)
      this.admitted.push(...(report.admitted ?? []))
      this.probes.push(...(report.probes ?? []))
      this.unexpected.push(...(report.unexpected ?? []))
      this.refused += report.refused ?? 0
      this.waited += report.waited ?? 0
      this.unanswered += report.unanswered ?? 0
      this.state = report.state ?? this.state
      if (report.change !== undefined) this.changes.push(report.change)
      if (report.link === undefined) return
      this.link = report.link
      this.linkMs = report.at ?? 0
    })
    // A message may meet a process that has just ended.
    this.#child.on('error', () => {})
  }

  /** Whether the dependency answers this instance. */
  setDependency(is: 'up' | 'down'): void {
    this.#send(is)
  }

  /** Whether the calls of its bulkheads keep their permits. */
  setKeeping(keeps: boolean): void {
    this.#send(keeps ? 'keep' : 'go')
  }

  /** Forgets what it has reported. */
  forget(): void {
    for (const list of [this.admitted, this.probes, this.unexpected, this.changes]) list.length = 0
    this.refused = 0
    this.waited = 0
    this.unanswered = 0
    this.told = 0
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

  #heard({ bulkhead = '', holders = 0, told = 0 }: Report): void {
    // A message may come after the end of its process.
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.told += 1
    this.#holders.set(bulkhead, this, holders)
    this.#send({ told })
  }

  #send(message: string | { readonly told: number }): void {
    if (this.#child.connected) this.#child.send(message)
  }
}
