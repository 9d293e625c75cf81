import { defineFacts, type Origin, PolicyError } from '../../core/errors.ts'
import type { BreakerState } from '../../core/events/events.ts'

const STATE_TEXT: Readonly<Record<BreakerState, string>> = {
  open: 'is open',
  'half-open': 'is half-open, and its probes are in flight',
  closed: 'admits only a share of calls while its traffic returns',
  isolated: 'was isolated manually',
  disabled: 'is disabled',
}

/**
 * A circuit breaker rejected the call without running the operation.
 *
 * The circuit is open, or half-open with all its probes in flight, or isolated, or closed with a ramp that did not
 * admit the call: `explain(error)` shows the state. `retryAfterMs` is the time until a call has a chance again; it is
 * undefined if the circuit is isolated.
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

  /** @param state the state of the circuit, for the message */
  constructor(origin: Origin, retryAfterMs: number | undefined, state: BreakerState = 'open') {
    super(`the circuit of '${origin.shield}' ${STATE_TEXT[state]} (${origin.policy})`, origin, retryAfterMs)
  }
}
defineFacts(CircuitOpenError, 'CircuitOpenError', {
  code: 'CIRCUIT_OPEN',
  status: 503,
  kind: 'technical',
  verdict: 'ignored',
  refusal: true,
})
