import { setImmediate as nextTurn } from 'node:timers/promises'

/** The longest time that a search keeps the process from other work. */
const SLICE_MS = 8

/** Lets requests and new lines be served while a search runs. */
export class TimeSlice {
  readonly #signal: AbortSignal
  #startedMs = performance.now()

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  /** Whether it is time for other work. */
  get isOver(): boolean {
    return performance.now() - this.#startedMs >= SLICE_MS
  }

  /**
   * Does other work.
   *
   * @throws the reason of the signal, once the search is cancelled
   */
  async next(): Promise<void> {
    await nextTurn()
    this.#signal.throwIfAborted()
    this.#startedMs = performance.now()
  }
}
