import { EXIT_MISUSE } from '../process/misuse.ts'
import { Child, type ChildSpec } from './child.ts'
import { untilReady } from './readiness.ts'

const READY_WITHIN_MS = 30_000

/** How a start ended. */
export type StartOutcome =
  | { readonly kind: 'ready' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly why: string }

/** All processes of the example: started together, kept running, stopped together. */
export class Group {
  readonly #children: readonly Child[]
  readonly #say: (line: string) => void
  readonly #starting = new AbortController()
  #up = false
  #misused: string | undefined
  #stopped: Promise<void> | undefined

  constructor(specs: readonly ChildSpec[], say: (line: string) => void) {
    this.#say = say
    this.#children = specs.map(
      (spec) => new Child(spec, { say, mayRestart: (exitCode) => this.#mayRestart(spec, exitCode) }),
    )
  }

  /** Where each process is found, and its id while it runs. */
  get addresses(): readonly { readonly name: string; readonly port: number; readonly pid: number | undefined }[] {
    return this.#children.map(({ spec, pid }) => ({ name: spec.name, port: spec.port, pid }))
  }

  /** Starts all and waits until each answers, at most 30 seconds. */
  async start(): Promise<StartOutcome> {
    for (const child of this.#children) child.start()
    const specs = this.#children.map((child) => child.spec)
    try {
      const missing = await untilReady(specs, READY_WITHIN_MS, this.#say, this.#starting.signal)
      if (missing.length > 0) {
        return { kind: 'failed', why: `${missing.join(', ')} did not answer within ${READY_WITHIN_MS / 1000} s` }
      }
    } catch (error) {
      if (!this.#starting.signal.aborted) throw error
      return this.#misused === undefined ? { kind: 'stopped' } : { kind: 'failed', why: this.#misused }
    }
    this.#up = true
    return { kind: 'ready' }
  }

  /** Stops all, whatever they are doing. Asking again waits for the same end. */
  stop(): Promise<void> {
    this.#starting.abort()
    this.#stopped ??= Promise.all(this.#children.map((child) => child.stop())).then(() => {})
    return this.#stopped
  }

  #mayRestart(spec: ChildSpec, exitCode: number | null): boolean {
    // Until all are up, a process that says that it was started wrongly ends the start: it would only say it again.
    if (this.#up || exitCode !== EXIT_MISUSE) return true
    this.#misused = `${spec.name} could not start`
    this.#starting.abort()
    return false
  }
}
