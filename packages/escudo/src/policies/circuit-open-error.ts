import { brand, type Origin, PolicyError } from '../core/errors.ts'

/**
 * The circuit is open: the operation was not called. `retryAfterMs` says when the next call has a chance; it is absent
 * when an operator isolated the circuit.
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
