import type { Service } from '../wire/request.ts'

/** One answer that the walk was given. */
export interface Entry {
  readonly service: Service
  readonly traceId: string
  readonly status: number
  readonly request: string
}

const ENTRIES_MAX = 100_000

/** Every answer of the whole walk, to be held against the logs at its end. */
export class Ledger {
  readonly #entries: Entry[] = []

  get entries(): readonly Entry[] {
    return this.#entries
  }

  add(entry: Entry): void {
    if (this.#entries.length < ENTRIES_MAX) this.#entries.push(entry)
  }
}
