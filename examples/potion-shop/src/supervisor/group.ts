import { EXIT_MISUSE } from '../process/misuse.ts'
import { Child, type ChildSpec } from './child.ts'
import { waitUntilReady } from './readiness.ts'

const READY_WITHIN_MS = 30_000

/** The result of {@link Group.start}. */
export type StartOutcome =
  | { readonly kind: 'ready' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly why: string }

/** All processes of the example: started together, kept running, stopped together. */
export class Group {
  readonly #children: readonly Child[]
  readonly #print: (line: string) => void
  readonly #starting = new AbortController()
  #up = false
  #startError: string | undefined
  #stopped: Promise<void> | undefined

  constructor(specs: readonly ChildSpec[], print: (line: string) => void) {
    this.#print = print
    this.#children = specs.map(
      (spec) => new Child(spec, { print, mayRestart: (exitCode) => this.#mayRestart(spec, exitCode) }),
    )
  }

  /** The port of each process, and its id while it runs. */
  get addresses(): readonly { readonly name: string; readonly port: number; readonly pid: number | undefined }[] {
    return this.#children.map(({ spec, pid }) => ({ name: spec.name, port: spec.port, pid }))
  }

  /** Starts all processes and waits at most 30 seconds until each answers. */
  async start(): Promise<StartOutcome> {
    for (const child of this.#children) child.start()
    const specs = this.#children.map((child) => child.spec)
    try {
      const missing = await waitUntilReady(specs, READY_WITHIN_MS, this.#print, this.#starting.signal)
      if (missing.length > 0) {
        return { kind: 'failed', why: `${missing.join(', ')} did not answer within ${READY_WITHIN_MS / 1000} s` }
      }
    } catch (error) {
      if (!this.#starting.signal.aborted) throw error
      return this.#startError === undefined ? { kind: 'stopped' } : { kind: 'failed', why: this.#startError }
    }
    this.#up = true
    return { kind: 'ready' }
  }

  /** Stops all processes, also during the start. Every call returns the same promise. */
  stop(): Promise<void> {
    this.#starting.abort()
    this.#stopped ??= Promise.all(this.#children.map((child) => child.stop())).then(() => {})
    return this.#stopped
  }

  #mayRestart(spec: ChildSpec, exitCode: number | null): boolean {
    // During the start, a process that was started wrongly would only fail again.
    if (this.#up || exitCode !== EXIT_MISUSE) return true
    this.#startError = `${spec.name} could not start`
    this.#starting.abort()
    return false
  }
}
