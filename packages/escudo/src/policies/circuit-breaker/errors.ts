import { defineFacts, type Origin, PolicyError } from '../../core/errors.ts'
import type { BreakerState } from '../../core/events/events.ts'

const DOES: Readonly<Record<BreakerState, string>> = {
  open: 'is open',
  'half-open': 'is half-open, and its probes are on their way',
  closed: 'lets only a share of its calls through until the dependency has proved itself',
  isolated: 'was isolated by hand',
  disabled: 'is disabled',
}

/**
 * The circuit is open: the operation was not called. `retryAfterMs` says when the next call has a chance; it is absent
 * when an operator isolated the circuit. A half-open circuit whose probes are on their way refuses with it too, and a
 * closed one whose traffic returns step by step: `explain(error)` tells the state.
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

  /** @param state why it is no `open` one that refuses, for the message */
  constructor(origin: Origin, retryAfterMs: number | undefined, state: BreakerState = 'open') {
    super(`the circuit of '${origin.shield}' ${DOES[state]} (${origin.policy})`, origin, retryAfterMs)
  }
}
defineFacts(CircuitOpenError, 'CircuitOpenError', {
  code: 'CIRCUIT_OPEN',
  status: 503,
  kind: 'technical',
  verdict: 'ignored',
  refusal: true,
})
