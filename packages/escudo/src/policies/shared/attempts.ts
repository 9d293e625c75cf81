import type { Verdict } from '../../core/outcome.ts'
import { read } from '../../errors/safe-read.ts'

/** One failed attempt of a retry, or of a hedged call. */
export interface Attempt {
  /** From 1. */
  readonly number: number
  /** On the shield's clock. */
  readonly startedAt: number
  readonly durationMs: number
  /** What the retry made of it. */
  readonly outcome: Verdict
  /** What it threw; undefined where a classifier rejected its value. */
  readonly error: unknown
}

// The first ones tell how it began, and the last one is the error itself: more would only hold memory.
const RECORDED_MAX = 32

/** The failed attempts of one call. */
export class AttemptLog {
  readonly attempts: Attempt[] = []

  add(attempt: Attempt): void {
    if (this.attempts.length === RECORDED_MAX) this.attempts.splice(RECORDED_MAX / 2, 1)
    this.attempts.push(attempt)
  }

  /**
   * Makes the attempts reachable from the error that is thrown: as `attempts`, not enumerable, so that it shows in no
   * log or body by itself. What cannot carry it, a frozen object or a string, is thrown as it is.
   */
  attachTo(error: unknown): void {
    if (typeof error !== 'object' || error === null) return
    try {
      if (!Object.isExtensible(error)) return
      Object.defineProperty(error, 'attempts', { value: this.attempts, configurable: true, writable: true })
    } catch {
      // A proxy that refuses, or a property of that name that cannot change: the error itself matters more.
    }
  }
}

/**
 * The failed attempts that a retry or a hedge made before it threw this error, the one that threw it included.
 *
 * @param error what a shield with a retry or a hedge threw
 * @returns the attempts, in the order in which they ended (at most 32); empty when there was but one
 * @example
 * ```ts
 * import { attemptsOf, constant, retry, shield } from 'escudo'
 *
 * const inventory = shield('inventory', retry({ maxRetries: 2, backoff: constant(1) }))
 * const attempts = await inventory
 *   .run(() => Promise.reject(new Error('connection refused')))
 *   .catch((error) => attemptsOf(error))
 * console.log(attempts) // three, each with its number, its start, its duration and its error
 * ```
 */
export function attemptsOf(error: unknown): readonly Attempt[] {
  const attempts = read(error, 'attempts')
  return Array.isArray(attempts) ? (attempts as readonly Attempt[]) : []
}
