import { failedCallOf } from '../../core/explain/failed-call.ts'
import type { AttemptNote } from '../../core/note.ts'

/** One failed attempt of a retry or a hedge. */
export interface Attempt extends AttemptNote {
  /** The error that it threw; undefined if a classifier counted its value as a failure. */
  readonly error: unknown
}

// Bounds the memory of one call. The first attempts show how the failure began, the last ones how it ended.
const RECORDED_MAX = 32

/** The failed attempts of one call. A note holds the list, so that {@link attemptsOf} finds it. */
export class AttemptLog {
  readonly attempts: Attempt[] = []

  add(attempt: Attempt): void {
    if (this.attempts.length === RECORDED_MAX) this.attempts.splice(RECORDED_MAX / 2, 1)
    this.attempts.push(attempt)
  }

  /** The last attempt that ran and failed; undefined if there is none. A refused attempt did not run. */
  get lastFailure(): Attempt | undefined {
    return this.attempts.findLast(({ outcome }) => outcome === 'failure')
  }
}

/**
 * Returns the failed attempts that led to an error, including the one that threw it.
 *
 * @param error the error that a shield with a retry or a hedge rejected with
 * @returns the attempts in the order in which they ended (at most 32); empty if there was only one attempt. If the error
 * passed several retries, the attempts are those of the outermost one that made a second attempt
 * @example
 * ```ts
 * import { attemptsOf, constant, retry, shield } from 'escudo'
 *
 * const inventory = shield('inventory', retry({ maxRetries: 2, backoff: constant(1) }))
 * const attempts = await inventory
 *   .run(() => Promise.reject(new Error('connection refused')))
 *   .catch((error) => attemptsOf(error))
 * console.log(attempts) // three, each with its number, start, duration, outcome and error
 * ```
 */
export function attemptsOf(error: unknown): readonly Attempt[] {
  for (let call = failedCallOf(error); call !== undefined; call = call.inside) {
    // An outer policy adds its note after the policies inside it.
    const note = call.notes.findLast(({ attempts = [] }) => attempts.length > 1)
    if (note !== undefined) return note.attempts as readonly Attempt[]
  }
  return []
}
