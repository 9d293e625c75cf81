import { randomUUID } from 'node:crypto'
import type { Term } from './query.ts'

/** The most searches that can be continued. The oldest one is forgotten first. */
const CURSORS_MAX = 64

/** What is needed to continue a search. */
export interface Continued {
  readonly text: string
  readonly terms: readonly Term[]
  /** Where it ended, as its source knows it. */
  readonly positions: unknown
}

/** Remembers where searches ended. The positions in thousands of files are too long for a URL. */
export class Cursors {
  readonly #all = new Map<string, Continued>()

  /** Returns the name of a place to continue at. */
  add(continued: Continued): string {
    for (const oldest of this.#all.keys()) {
      if (this.#all.size < CURSORS_MAX) break
      this.#all.delete(oldest)
    }
    const name = randomUUID()
    this.#all.set(name, continued)
    return name
  }

  /** Returns what to continue with. It can be asked for again, for an answer that was lost. */
  get(name: string): Continued | undefined {
    return this.#all.get(name)
  }
}
