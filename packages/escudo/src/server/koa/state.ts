import type { IncomingMessage, ServerResponse } from 'node:http'
import { existingExchange } from '../node/exchanges.ts'

/** What the adapter keeps of a request. */
export class KoaState {
  /** The errors that were answered or logged. Koa and its streams may report one several times. */
  readonly #failures = new Set<unknown>()

  /** Whether an error was reported before. */
  get hasFailed(): boolean {
    return this.#failures.size > 0
  }

  /** Returns whether this is the first report of an error. */
  isNew(error: unknown): boolean {
    return this.#failures.size < this.#failures.add(error).size
  }
}

/** The state of a request; undefined for one that the adapter has not begun. */
export function stateOf(holder: IncomingMessage | ServerResponse): KoaState | undefined {
  return existingExchange(holder)?.adapterState as KoaState | undefined
}
