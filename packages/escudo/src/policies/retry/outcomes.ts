import type { Verdict } from '../../core/outcome.ts'

/** The outcomes that a retry's `executed` event carries. */
export const OUTCOMES = [
  'successful_without_retry',
  'successful_with_retry',
  'failed_without_retry',
  'failed_with_retry',
  // Says nothing about the dependency: a business error, the caller's abort, a refusal by an inner policy.
  'ignored',
] as const

/**
 * Returns the outcome of a call, from the verdict on its last attempt.
 *
 * Whole texts: one that is put together would have to be hashed wherever it is counted.
 */
export function outcomeOf(verdict: Verdict, attempts: number): (typeof OUTCOMES)[number] {
  if (verdict === 'ignored') return verdict
  if (verdict === 'success') return attempts === 1 ? 'successful_without_retry' : 'successful_with_retry'
  return attempts === 1 ? 'failed_without_retry' : 'failed_with_retry'
}
