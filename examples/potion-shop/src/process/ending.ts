/** What there is to finish, and how. */
export interface Unfinished {
  /** Takes nothing new. @returns when all that was in flight is finished */
  readonly finish: () => Promise<unknown>
  /** Breaks off what is left. */
  readonly cut: () => void
}

/** Requests that have just ended, or been cut, tell of it a turn or two later, and are to have their lines in the log. */
const LAST_LINES_MS = 20

/** The end of a process: it comes once, however many reasons there are for it. */
export class Ending {
  readonly #unfinished: Unfinished
  #begun = false
  #exitCode = 0

  constructor(unfinished: Unfinished) {
    this.#unfinished = unfinished
  }

  /** Whether it has begun. */
  get begun(): boolean {
    return this.#begun
  }

  /**
   * Finishes what is in flight, for at most `withinMs`, and exits. Asked again, the higher exit code and the earlier end
   * count: a process that crashes while it stops has crashed, and one that is told to stop while it crashes hurries.
   */
  begin(exitCode: number, withinMs: number): void {
    this.#exitCode = Math.max(this.#exitCode, exitCode)
    setTimeout(() => {
      // First, so that nothing which goes wrong in the cutting can keep the process alive.
      this.#exitSoon()
      this.#unfinished.cut()
    }, withinMs)
    if (this.#begun) return
    this.#begun = true
    const exit = (): void => this.#exitSoon()
    try {
      this.#unfinished.finish().then(exit, exit)
    } catch {
      exit()
    }
  }

  #exitSoon(): void {
    setTimeout(() => process.exit(this.#exitCode), LAST_LINES_MS)
  }
}
