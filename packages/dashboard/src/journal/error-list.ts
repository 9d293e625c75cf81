import { Latest } from '../counts/latest.ts'
import type { ErrorLine } from './journal.ts'

/** The most errors of each kind. */
const ERRORS_MAX = 200

/** Keeps the latest errors. Business errors are kept apart, so that they never push technical ones out. */
export class ErrorList {
  readonly #lists = { technical: new Latest<ErrorLine>(ERRORS_MAX), business: new Latest<ErrorLine>(ERRORS_MAX) }

  /** All errors, oldest first. */
  get items(): readonly ErrorLine[] {
    return [...this.#lists.technical.items, ...this.#lists.business.items].sort((a, b) => a.at - b.at)
  }

  /** The list of the errors of one kind. */
  of(kind: ErrorLine['kind']): Latest<ErrorLine> {
    return this.#lists[kind]
  }
}
