import type { BreakerState } from '../core/events.ts'

/** Why a circuit breaker changes its state, but for the trip, whose reason is the rule's own. */
export const REASONS = {
  openTimeOver: 'the open time is over',
  probesSucceeded: 'the probes succeeded',
  probeFailed: 'a probe failed',
  leaseOver: 'a probe did not settle within its lease',
  isolated: 'isolated by hand',
  disabled: 'disabled by hand',
  reset: 'reset by hand',
} as const

/** A change of state that can happen, without the instant at which it does. */
export interface TransitionKind {
  readonly from: BreakerState
  readonly to: BreakerState
  readonly reason: string
}

const STATES: readonly BreakerState[] = ['closed', 'open', 'half-open', 'isolated', 'disabled']

/** Every change of state that a breaker can make. */
export function transitionsOf(tripReason: string): readonly TransitionKind[] {
  const byHand = (to: BreakerState, reason: string): readonly TransitionKind[] =>
    STATES.filter((from) => from !== to).map((from) => ({ from, to, reason }))
  return [
    { from: 'closed', to: 'open', reason: tripReason },
    { from: 'open', to: 'half-open', reason: REASONS.openTimeOver },
    { from: 'half-open', to: 'closed', reason: REASONS.probesSucceeded },
    { from: 'half-open', to: 'open', reason: REASONS.probeFailed },
    { from: 'half-open', to: 'open', reason: REASONS.leaseOver },
    ...byHand('isolated', REASONS.isolated),
    ...byHand('disabled', REASONS.disabled),
    ...byHand('closed', REASONS.reset),
  ]
}
