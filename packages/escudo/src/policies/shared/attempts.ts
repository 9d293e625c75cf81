import type { Verdict } from '../../core/outcome.ts'
import { read } from '../../errors/safe-read.ts'

/** One failed attempt of a retry or a hedge. */
export interface Attempt {
  /** From 1. */
  readonly number: number
  /** On the shield's clock. */
  readonly startedAt: number
  readonly durationMs: number
  /** The verdict of the policy that made the attempt. */
  readonly outcome: Verdict
  /** The error that it threw; undefined if a classifier counted its value as a failure. */
  readonly error: unknown
}

// Bounds the memory of one call. The first attempts show how the failure began, the last ones how it ended.
const RECORDED_MAX = 32

/** The failed attempts of one call. */
export class AttemptLog {
  readonly attempts: Attempt[] = []

  add(attempt: Attempt): void {
    if (this.attempts.length === RECORDED_MAX) this.attempts.splice(RECORDED_MAX / 2, 1)
    this.attempts.push(attempt)
  }

  /**
   * Stores the attempts in the property `attempts` of the thrown error. It is not enumerable, so that logs and bodies do
   * not include it. An error that cannot have it (a frozen object, a string) stays unchanged.
   */
  attachTo(error: unknown): void {
    if (typeof error !== 'object' || error === null) return
    try {
      if (!Object.isExtensible(error)) return
      Object.defineProperty(error, 'attempts', { value: this.attempts, configurable: true, writable: true })
    } catch {
      // A proxy that throws, or a read-only property of that name. The error itself matters more.
    }
  }
}

/**
 * Returns the failed attempts that led to an error, including the one that threw it.
 *
 * @param error the error that a shield with a retry or a hedge rejected with
 * @returns the attempts in the order in which they ended (at most 32); empty if there was only one attempt
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
  const attempts = read(error, 'attempts')
  return Array.isArray(attempts) ? (attempts as readonly Attempt[]) : []
}
