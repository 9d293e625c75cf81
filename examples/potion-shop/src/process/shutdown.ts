/** How to shut down a server. */
export interface ShutdownSteps {
  /** Stops accepting work. Fulfils once the requests in flight are finished. */
  readonly drain: () => Promise<unknown>
  /** Closes the remaining connections. */
  readonly abort: () => void
}

/** Requests that just ended write their log lines one or two turns later. */
const LAST_LINES_MS = 20

/** Shuts the process down once, even if several events begin it. */
export class Shutdown {
  readonly #steps: ShutdownSteps
  #begun = false
  #exitCode = 0

  constructor(steps: ShutdownSteps) {
    this.#steps = steps
  }

  get begun(): boolean {
    return this.#begun
  }

  /**
   * Drains for at most `withinMs`, then exits. After further calls, the highest exit code and the earliest end apply: a
   * crash during a stop exits with 1, and a stop during a crash shortens the drain.
   */
  begin(exitCode: number, withinMs: number): void {
    this.#exitCode = Math.max(this.#exitCode, exitCode)
    setTimeout(() => {
      // First, so that an error in `abort` cannot keep the process alive.
      this.#exitSoon()
      this.#steps.abort()
    }, withinMs)
    if (this.#begun) return
    this.#begun = true
    const exit = (): void => this.#exitSoon()
    try {
      this.#steps.drain().then(exit, exit)
    } catch {
      exit()
    }
  }

  #exitSoon(): void {
    setTimeout(() => process.exit(this.#exitCode), LAST_LINES_MS)
  }
}
