import type { BreakerState } from '../../../core/events/events.ts'
import type { Trip } from './trips/trip-rule.ts'

/** Why a circuit breaker changes its state, but for the trip, whose reasons are the rule's own. */
export const REASONS = {
  openTimeOver: 'the open time is over',
  probesSucceeded: 'the probes succeeded',
  probeFailed: 'a probe failed',
  probeSlow: 'a probe was too slow',
  leaseOver: 'a probe did not settle within its lease',
  healthCheck: 'the health check succeeded',
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

/**
 * Every change of state that a breaker can make.
 *
 * @param trip when it opens
 * @param hasHealthCheck whether anybody calls `healthCheckSucceeded`
 */
export function transitionsOf(
  trip: Pick<Trip, 'reasons' | 'slowerThanMs'>,
  hasHealthCheck = false,
): readonly TransitionKind[] {
  const byHand = (to: BreakerState, reason: string): readonly TransitionKind[] =>
    STATES.filter((from) => from !== to).map((from) => ({ from, to, reason }))
  const timed = trip.slowerThanMs !== undefined
  return [
    ...trip.reasons.map((reason) => ({ from: 'closed', to: 'open', reason }) as const),
    { from: 'open', to: 'half-open', reason: REASONS.openTimeOver },
    { from: 'half-open', to: 'closed', reason: REASONS.probesSucceeded },
    { from: 'half-open', to: 'open', reason: REASONS.probeFailed },
    ...(timed ? [{ from: 'half-open', to: 'open', reason: REASONS.probeSlow } as const] : []),
    { from: 'half-open', to: 'open', reason: REASONS.leaseOver },
    ...(hasHealthCheck
      ? (['open', 'half-open'] as const).map((from) => ({ from, to: 'closed', reason: REASONS.healthCheck }) as const)
      : []),
    ...byHand('isolated', REASONS.isolated),
    ...byHand('disabled', REASONS.disabled),
    ...byHand('closed', REASONS.reset),
  ]
}
