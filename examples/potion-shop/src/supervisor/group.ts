import { EXIT_MISUSE, MisuseError } from '../process/misuse.ts'
import { Child, type ChildSpec } from './child.ts'
import type { Address } from './menu.ts'
import { waitUntilReady } from './readiness.ts'

const READY_WITHIN_MS = 30_000

/** All processes of the example: started together, kept running, stopped together. */
export class Group {
  readonly #children: readonly Child[]
  readonly #print: (line: string) => void
  readonly #stop = new AbortController()
  /** Stops the processes that the others need until they have ended. */
  readonly #stopLast = new AbortController()
  #isUp = false
  #ended: Promise<unknown> | undefined
  #endedFirst: Promise<unknown> | undefined

  constructor(specs: readonly ChildSpec[], print: (line: string) => void) {
    this.#print = print
    this.#children = specs.map(
      (spec) => new Child(spec, { print, mayRestart: (exitCode) => this.#mayRestart(spec, exitCode) }),
    )
  }

  /** The address of each process, and its id while it runs. */
  get addresses(): readonly Address[] {
    return this.#children.map(({ spec, pid }) => ({
      name: spec.name,
      url: spec.url ?? `http://localhost:${spec.port}`,
      pid,
    }))
  }

  /**
   * Starts all processes and waits at most 30 seconds until each answers. After a rejection, call {@link stop}.
   *
   * @throws MisuseError if a process cannot start or does not answer; an AbortError if the group is stopped
   */
  async start(): Promise<void> {
    const { signal } = this.#stop
    const runs = this.#children.map((child) => ({
      isLast: child.spec.stopsLast === true,
      ended: child.run(child.spec.stopsLast === true ? this.#stopLast.signal : signal),
    }))
    this.#ended = Promise.all(runs.map(({ ended }) => ended))
    this.#endedFirst = Promise.allSettled(runs.filter(({ isLast }) => !isLast).map(({ ended }) => ended))
    const specs = this.#children.map(({ spec }) => spec)
    const ready = waitUntilReady(specs, READY_WITHIN_MS, this.#print, signal)
    // If a process cannot even be spawned, its run rejects first.
    await Promise.race([ready, this.#ended.then(() => ready)])
    this.#isUp = true
  }

  /** Stops all processes, also during the start. Fulfils when they have ended. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#endedFirst
    this.#stopLast.abort()
    await this.#ended
  }

  #mayRestart(spec: ChildSpec, exitCode: number | null): boolean {
    // During the start, a process that was started wrongly would only fail again.
    if (this.#isUp || exitCode !== EXIT_MISUSE) return true
    this.#stop.abort(new MisuseError(`${spec.name} could not start`))
    return false
  }
}
