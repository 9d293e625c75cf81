import { defineFacts, type Origin, PolicyError } from '../../core/errors.ts'
import type { BreakerState, LastFailure } from '../../core/events/events.ts'

const STATE_TEXT: Readonly<Record<BreakerState, string>> = {
  open: 'is open',
  'half-open': 'is half-open, and its probes are in flight',
  closed: 'admits only a share of calls while its traffic returns',
  isolated: 'was isolated manually',
  disabled: 'is disabled',
}

/** Why a circuit rejects calls. */
export interface CircuitFacts {
  readonly reason?: string | undefined
  readonly failures: number
  readonly calls: number
  readonly lastFailure?: LastFailure
}

const UNKNOWN: CircuitFacts = { failures: 0, calls: 0 }

/**
 * A circuit breaker rejected the call without running the operation.
 *
 * The circuit is open, or half-open with all its probes in flight, or isolated, or closed with a ramp that did not
 * admit the call: `explain(error)` shows the state. `retryAfterMs` is the time until a call has a chance again; it is
 * undefined if the circuit is isolated. If an earlier attempt of this call failed, its error is the `cause`.
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
  /** Why the circuit opened, such as `3 consecutive failures`; undefined during a ramp. */
  declare readonly reason: string | undefined
  /** The count that opened the circuit. */
  declare readonly failures: number
  /** The number of calls among which {@link failures} were counted. */
  declare readonly calls: number
  /** The last failure before the circuit opened, of any call; undefined if there was none, as with slow successes. */
  declare readonly lastFailure: LastFailure | undefined

  /** @param state the state of the circuit, for the message */
  constructor(
    origin: Origin,
    retryAfterMs: number | undefined,
    state: BreakerState = 'open',
    circuit: CircuitFacts = UNKNOWN,
  ) {
    super(`the circuit of '${origin.shield}' ${STATE_TEXT[state]} (${origin.policy})`, origin, retryAfterMs)
    this.reason = circuit.reason
    this.failures = circuit.failures
    this.calls = circuit.calls
    this.lastFailure = circuit.lastFailure
  }
}
defineFacts(CircuitOpenError, 'CircuitOpenError', {
  code: 'CIRCUIT_OPEN',
  status: 503,
  kind: 'technical',
  verdict: 'ignored',
  refusal: true,
})
