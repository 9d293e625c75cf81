import type { Service } from '../wire/request.ts'

/** One answer that a row received. */
export interface Entry {
  readonly service: Service
  readonly traceId: string
  readonly status: number
  readonly request: string
}

const ENTRIES_MAX = 100_000

/** Records every answer of all rows, to compare them with the logs at the end. */
export class Ledger {
  readonly #entries: Entry[] = []

  get entries(): readonly Entry[] {
    return this.#entries
  }

  add(entry: Entry): void {
    if (this.#entries.length < ENTRIES_MAX) this.#entries.push(entry)
  }
}
