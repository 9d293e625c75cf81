import type { LoggedError } from '../counts/errors/logged-error.ts'
import type { LineRef } from './line-place.ts'

/** The most characters of a message or a path, and of a name. */
export const TEXT_MAX = 300
export const NAME_MAX = 100

/** An error in the list. */
export interface ErrorLine extends LoggedError {
  /** Where the line is; for several lines about one request, the first one that was read. */
  readonly ref: LineRef | undefined
}
