import { brand, type Origin, PolicyError } from '../core/errors.ts'

/**
 * The circuit is open: the operation was not called. `retryAfterMs` says when the next call has a chance; it is absent
 * when an operator isolated the circuit.
 *
 * @example
 * ```ts
 * import { CircuitOpenError, circuitBreaker, consecutive, shield } from 'escudo'
 *
 * const inventory = shield('inventory', circuitBreaker({ trip: consecutive(1), openFor: '10s' }))
 * await inventory.run(() => Promise.reject(new Error('connection refused'))).catch(() => {})
 * const error = await inventory.run(() => 42).catch((reason) => reason)
 * if (error instanceof CircuitOpenError) console.log(error.retryAfterMs) // up to 10000
 * ```
 */
export class CircuitOpenError extends PolicyError {
  readonly code = 'CIRCUIT_OPEN'

  constructor(origin: Origin, retryAfterMs: number | undefined) {
    super(`the circuit of '${origin.shield}' is open (${origin.policy})`, origin, retryAfterMs)
  }
}
brand(CircuitOpenError, 'CircuitOpenError', {
  code: 'CIRCUIT_OPEN',
  status: 503,
  kind: 'technical',
  verdict: 'ignored',
  refusal: true,
})
