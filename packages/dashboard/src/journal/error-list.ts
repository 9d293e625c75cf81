import { Latest } from '../counts/latest.ts'
import type { Kind } from '../lines/kind.ts'

/** The most errors of each kind. */
const ERRORS_MAX = 200

/** Keeps the latest errors. Business errors are kept apart, so that they never push technical ones out. */
export class ErrorList<T extends { readonly at: number }> {
  readonly #lists = { technical: new Latest<T>(ERRORS_MAX), business: new Latest<T>(ERRORS_MAX) }

  /** All errors, oldest first. */
  get items(): readonly T[] {
    return [...this.#lists.technical.items, ...this.#lists.business.items].sort((a, b) => a.at - b.at)
  }

  /** The list of the errors of one kind. */
  of(kind: Kind): Latest<T> {
    return this.#lists[kind]
  }
}
