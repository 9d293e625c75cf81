import { factsOf } from './error-facts.ts'

/**
 * What a policy makes of a thrown error when its user says nothing: an error that names its own verdict keeps it, a
 * business error is `ignored` (a 404 opens no circuit and is never retried), anything else is a `failure`.
 */
export function verdictOfError(error: unknown): 'success' | 'failure' | 'ignored' {
  const facts = factsOf(error)
  if (facts === undefined) return 'failure'
  if (facts.verdict !== undefined) return facts.verdict
  return facts.kind === 'business' ? 'ignored' : 'failure'
}

/** Whether the same operation may be tried again after this error. An error that says `retry: 'never'` may not. */
export function mayRetry(error: unknown): boolean {
  return factsOf(error)?.retry !== 'never'
}

/**
 * Tells whether a policy declined to run the operation: the circuit was open, the bulkhead full, the rate used up.
 * The operation was not called, so nothing is known about the dependency.
 *
 * @param error anything that was thrown
 * @returns true for a refusal, also for one made by another installed copy of escudo
 * @example
 * ```ts
 * import { isRefusal, shield, circuitBreaker } from 'escudo'
 *
 * const breaker = circuitBreaker()
 * const inventory = shield('inventory', breaker)
 * breaker.isolate()
 * const answer = await inventory.run(() => 42).catch((error) => (isRefusal(error) ? 'refused' : 'failed'))
 * // answer === 'refused'
 * ```
 */
export function isRefusal(error: unknown): boolean {
  return factsOf(error)?.refusal === true
}
