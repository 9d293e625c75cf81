import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CONNECTIONS, type LoadResult, sample, sendLoad, type Target } from './load.ts'
import type { Pinning } from './pinning.ts'
import { freePort, type Running, type Spec, scriptOf, start } from './processes.ts'

/** A started server. */
export interface Server extends Running {
  readonly origin: string
}

const open = new Set<Stage>()

/** The processes and log files of one suite. */
export class Stage {
  readonly pinning: Pinning
  readonly folder: string
  readonly #processes: Running[] = []
  #loader: Running | undefined

  private constructor(pinning: Pinning, folder: string) {
    this.pinning = pinning
    this.folder = folder
  }

  static async open(pinning: Pinning): Promise<Stage> {
    const stage = new Stage(pinning, await mkdtemp(join(tmpdir(), 'escudo-bench-')))
    open.add(stage)
    return stage
  }

  /** Closes every open stage. */
  static async closeAll(): Promise<void> {
    await Promise.all([...open].map((stage) => stage.close()))
  }

  /** Starts a process on the core of the measured ones. */
  measured(spec: Omit<Spec, 'core'>): Running {
    return this.#start({ ...spec, core: this.pinning.measured })
  }

  /** Starts a process on the other core. */
  other(spec: Omit<Spec, 'core'>): Running {
    return this.#start({ ...spec, core: this.pinning.other })
  }

  /**
   * Starts a server on a free port, on the core of the measured processes, and waits until it answers.
   *
   * @param specOf makes the process for the port
   */
  async server(specOf: (port: number) => Omit<Spec, 'core'>): Promise<Server> {
    const port = await freePort()
    const origin = `http://127.0.0.1:${port}`
    const running = this.measured(specOf(port))
    await running.answersAt(origin)
    return { ...running, origin }
  }

  /** The path of a log file. */
  logFile(name: string): string {
    return join(this.folder, `${name}.jsonl`)
  }

  /** Empties the log files. They are opened for appending, so their processes go on at the start of the file. */
  async emptyLogs(): Promise<void> {
    for (const name of await readdir(this.folder)) await truncate(join(this.folder, name))
  }

  /** Sends the request once, and returns a load of it. */
  async loadOf(server: Server, target: Target): Promise<(forMs: number, requestsMax?: number) => Promise<LoadResult>> {
    this.#loader ??= this.other({ name: 'load', args: [scriptOf('programs/load.ts')] })
    const loader = this.#loader
    const bodyBytes = await sample(server.origin, target)
    const { contains: _, ...request } = target
    const staysAwake = this.pinning.other !== undefined
    const load = { ...request, origin: server.origin, connections: CONNECTIONS, bodyBytes, staysAwake }
    return (forMs, requestsMax) =>
      sendLoad(loader, { ...load, forMs, ...(requestsMax === undefined ? {} : { requestsMax }) })
  }

  /** Stops all processes and deletes the log files. */
  async close(): Promise<void> {
    open.delete(this)
    await Promise.all(this.#processes.map((one) => one.stop()))
    await rm(this.folder, { recursive: true, force: true })
  }

  #start(spec: Spec): Running {
    const running = start(spec)
    this.#processes.push(running)
    return running
  }
}
