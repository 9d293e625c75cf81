import { type ErrorFacts, factsOf } from './error-facts.ts'

/**
 * The default verdict of policies on a thrown error.
 *
 * An error that carries a verdict keeps it. A business error is `ignored`: a 404 neither opens a circuit nor is
 * retried. Any other error is a `failure`.
 */
export function verdictOfError(error: unknown): 'success' | 'failure' | 'ignored' {
  return verdictOfFacts(factsOf(error))
}

/** The same, for the facts of an error that were read already: each failure is judged by several policies. */
export function verdictOfFacts(facts: ErrorFacts | undefined): 'success' | 'failure' | 'ignored' {
  if (facts === undefined) return 'failure'
  if (facts.verdict !== undefined) return facts.verdict
  return facts.kind === 'business' ? 'ignored' : 'failure'
}

/** Whether a retry is allowed after this error. False for an error with `retry: 'never'`. */
export function mayRetry(error: unknown): boolean {
  return factsOf(error)?.retry !== 'never'
}

/**
 * Whether a policy rejected the call without running the operation.
 *
 * Examples: the circuit was open, the bulkhead was full, the rate limit was used up. The operation was not called, so
 * a refusal says nothing about the dependency.
 *
 * @param error any thrown value
 * @returns true for a refusal, including one from another installed copy of escudo
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
