import type { Library } from './clients.ts'
import { Holders } from './holders.ts'
import { type CircuitChange, Instance } from './instances.ts'
import { until } from './redis.ts'

/** How the instances of a fleet call. */
export interface ProcessFleetOptions {
  /** The port of Redis, or those of the nodes of a cluster. */
  readonly ports: readonly number[]
  /** Returns how many members a sorted set in Redis has. */
  readonly zcard: (key: string) => Promise<number>
  /** Calls per second of the whole fleet, and its burst. */
  readonly limit: number
  readonly callsPerSecond: number
  /** The libraries of the instances, in turn. Default: ioredis. */
  readonly libraries?: readonly Library[]
  /** The limit of two shared bulkheads, whose calls use all permits all the time. Default: there are none. */
  readonly permits?: number
}

/** Many processes that start at once on a busy machine. */
const START_MS_MAX = 60_000

/** The open period of the circuits of the instances, in milliseconds. */
export const OPEN_FOR_MS = 500

/** The instances of a service, each in a separate process, with one limit and one circuit. */
export class ProcessFleet {
  readonly instances: Instance[] = []
  /** The calls that ended instances had admitted. */
  readonly gone: number[] = []
  /** The calls that use permits of the bulkheads. */
  readonly holders = new Holders()
  readonly #options: ProcessFleetOptions
  #started = 0
  #keeps = false

  constructor(options: ProcessFleetOptions) {
    this.#options = options
  }

  /** Starts instances. */
  add(count: number): void {
    const { ports, limit, callsPerSecond, permits, libraries = ['ioredis'] } = this.#options
    for (let index = 0; index < count; index += 1) {
      const library = libraries[this.#started % libraries.length] ?? 'ioredis'
      const options = { ports, limit, callsPerSecond, library, permits, keeps: this.#keeps }
      this.instances.push(new Instance(options, this.holders))
      this.#started += 1
    }
  }

  /** Waits until all instances know of each other and nothing is wrong. Then forgets what they have reported. */
  async ready(): Promise<void> {
    const { zcard } = this.#options
    await until(
      async () => (await zcard('escudo:{instances}')) === this.instances.length,
      'all are known',
      START_MS_MAX,
    )
    await until(() => this.instances.every(({ state }) => state !== 'unknown'), 'all have started', START_MS_MAX)
    await until(() => this.every('closed'), 'all circuits are closed', START_MS_MAX)
    await until(() => this.instances.every(({ admitted }) => admitted.length > 0), 'all instances are served')
    // Each hears within a second how many they are: its share without Redis depends on that.
    await pause(1_200)
    this.forget()
  }

  forget(): void {
    for (const instance of this.instances) instance.forget()
    this.gone.length = 0
    this.holders.forget()
  }

  every(state: string): boolean {
    return this.instances.every((instance) => instance.state === state)
  }

  setDependency(is: 'up' | 'down', instances: readonly Instance[] = this.instances): void {
    for (const instance of instances) instance.setDependency(is)
  }

  /** Whether the calls of the bulkheads keep their permits, also in instances that start later. */
  setKeeping(keeps: boolean): void {
    this.#keeps = keeps
    for (const instance of this.instances) instance.setKeeping(keeps)
  }

  /** Kills instances with SIGKILL, and starts as many again. */
  async replace(count: number): Promise<void> {
    const killed = this.instances.splice(0, count)
    await Promise.all(killed.map((instance) => instance.kill()))
    this.gone.push(...killed.flatMap(({ admitted }) => admitted))
    this.add(count)
  }

  /** The instants of admitted calls, also of killed instances. */
  get admitted(): readonly number[] {
    return [...this.gone, ...this.instances.flatMap(({ admitted }) => admitted)]
  }

  get probes(): readonly number[] {
    return this.instances.flatMap(({ probes }) => probes)
  }

  get changes(): readonly (readonly CircuitChange[])[] {
    return this.instances.map(({ changes }) => changes)
  }

  get unexpected(): readonly string[] {
    return this.instances.flatMap(({ unexpected }) => unexpected)
  }

  /** How many calls waited. */
  get waited(): number {
    return this.instances.reduce((sum, { waited }) => sum + waited, 0)
  }

  /** Closes all instances. */
  async end(): Promise<void> {
    await Promise.all(this.instances.map((instance) => instance.end()))
  }

  async kill(): Promise<void> {
    await Promise.all(this.instances.map((instance) => instance.kill()))
  }
}

/** Waits for a while of real time. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
