import { isDisconnect } from '../exchange.ts'

/** What the adapter keeps of a request. */
export class KoaState {
  /** The errors that were answered or logged. Koa and its streams may report one several times. */
  #failures: Set<unknown> | undefined

  /** Whether an error was reported before. */
  get hasFailed(): boolean {
    return this.#failures !== undefined
  }

  /** Returns whether this is the first report of an error, and no consequence of another one. */
  isNew(error: unknown): boolean {
    // Streams close because of the failure before.
    if (this.hasFailed && isDisconnect(error)) return false
    this.#failures ??= new Set()
    return this.#failures.size < this.#failures.add(error).size
  }
}
