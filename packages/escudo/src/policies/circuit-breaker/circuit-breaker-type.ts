import type { BreakerState, Listener } from '../../core/events/events.ts'
import type { Policy } from '../../core/policy.ts'
import type { StateChange } from './circuits.ts'
import type { SavedBreaker } from './state/saved-breaker.ts'

/** A circuit breaker: a policy with methods to inspect and control it. */
export interface CircuitBreaker<R = unknown> extends Policy<R> {
  /**
   * The current state; `half-open` as soon as the open period ends, even before the next call.
   *
   * With `perKey`, the state of the circuit for calls without a key.
   */
  readonly state: BreakerState
  /** The state of one key's circuit. For an unknown key: the state that a new circuit would have. */
  stateOf(key: string): BreakerState
  /**
   * Opens the circuit, with its normal recovery: the open period, then probes.
   *
   * A circuit that is open, isolated or disabled stays as it is. Without a key: on all circuits that exist.
   *
   * @param reason 1 to 100 characters; the event `stateChange` and the status have it after `tripped manually: `
   * @throws ConfigurationError for an invalid reason
   */
  trip(reason?: string, key?: string): void
  /** Rejects every call until {@link reset}. Without a key: on all circuits, including those created later. */
  isolate(key?: string): void
  /**
   * Closes the circuit from every state, and all traffic returns immediately. Without a key: on all circuits.
   *
   * If the circuit is closed, it clears the counts and ignores the results of calls in flight.
   */
  reset(key?: string): void
  /**
   * Lets every call through and counts nothing until {@link reset}.
   *
   * Without a key: on all circuits, including those created later.
   */
  disable(key?: string): void
  /**
   * Returns the state as plain data, for the option `restore` of a breaker in this process or another.
   *
   * It contains the rest of the open period and the counts of a trip that does not depend on time, but no clock values.
   */
  save(key?: string): SavedBreaker
  /**
   * Notifies the listener of each change of state. Returns a function that unsubscribes.
   *
   * @throws TypeError for any other event name
   */
  on(event: 'stateChange', listener: Listener<StateChange>): () => void
}
