import type { Binding } from '../../core/binding.ts'
import type { CallRoot } from '../../core/engine/call.ts'
import type { BreakerState, LastFailure } from '../../core/events/events.ts'
import { addNote } from '../../core/explain/notes.ts'
import type { PolicyStatus } from '../../core/policy.ts'
import { refusal } from '../shared/refusal.ts'
import { CircuitOpenError } from './errors.ts'
import type { Breaker } from './state/breaker.ts'

/** What a circuit breaker says about one circuit, in `status()`, notes and refusals. */
export interface BreakerStatus extends PolicyStatus {
  readonly state: BreakerState
  readonly failures: number
  readonly calls: number
  readonly reason?: string | undefined
  readonly lastFailure?: LastFailure
  readonly retryAfterMs?: number
}

/** The state and counters of a circuit. */
export function statusOf(breaker: Breaker, now: number): BreakerStatus {
  breaker.advance(now)
  return currentStatus(breaker, now)
}

/** The same for a circuit that was looked at in this instant. */
function currentStatus(breaker: Breaker, now: number): BreakerStatus {
  const { state } = breaker
  const failures = breaker.failures(now)
  const calls = breaker.calls(now)
  const retryAfterMs = breaker.retryAfterMs(now)
  // The usual case first: a scrape reads the status of every circuit.
  if (retryAfterMs === undefined && state === 'closed') return { state, failures, calls }
  const { reason } = breaker
  // Isolated or disabled.
  if (retryAfterMs === undefined) return { state, failures, calls, reason }
  const openedAt = breaker.openPeriod?.openedMs
  if (openedAt !== undefined) {
    // Without a spread: this is the hot path of an outage.
    const { lastFailure } = breaker
    return lastFailure === undefined
      ? { state, failures, calls, reason, openedAt, retryAfterMs }
      : { state, failures, calls, reason, lastFailure, openedAt, retryAfterMs }
  }
  // Closed with a ramp.
  return { state, failures, calls, admitting: breaker.admitting(now), retryAfterMs }
}

/** Adds the current state to the notes of the call, for `explain()`. */
export function noteState(root: CallRoot, breaker: Breaker, now: number, { policy }: Binding): void {
  const facts = statusOf(breaker, now)
  const { state, retryAfterMs } = facts
  addNote(
    root,
    retryAfterMs === undefined ? { policy, state, facts } : { policy, state, facts, retryAt: now + retryAfterMs },
  )
}

/** Makes the refusal of a call, and notes the state of the circuit, which was advanced to `now`. */
export function refuse(root: CallRoot, breaker: Breaker, now: number, binding: Binding): CircuitOpenError {
  const facts = currentStatus(breaker, now)
  const { state, retryAfterMs } = facts
  const retryAt = retryAfterMs === undefined ? undefined : now + retryAfterMs
  addNote(root, { policy: binding.policy, state, facts, retryAt, endedHere: true })
  return refusal(binding, () => new CircuitOpenError(binding, retryAfterMs, state, facts))
}
