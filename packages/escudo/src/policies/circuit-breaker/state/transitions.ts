import { type BreakerState, FLEET, MANUAL_TRIP } from '../../../core/events/events.ts'
import type { Trip } from './trips/trip-rule.ts'

/** The reasons of all transitions, except those of a rule and of {@link MANUAL_TRIP}. */
export const REASONS = {
  openPeriodEnded: 'the open period ended',
  probesSucceeded: 'the probes succeeded',
  probeFailed: 'a probe failed',
  probeSlow: 'a probe was too slow',
  leaseOver: 'a probe did not settle within its lease',
  healthCheck: 'the health check succeeded',
  isolated: 'isolated manually',
  disabled: 'disabled manually',
  reset: 'reset manually',
} as const

/** A transition that a breaker can make, without its instant. */
export interface PossibleTransition {
  readonly from: BreakerState
  readonly to: BreakerState
  readonly reason: string
}

/** What a fleet decides. */
const OF_FLEET: readonly PossibleTransition[] = [
  { from: 'closed', to: 'open', reason: FLEET },
  { from: 'half-open', to: 'open', reason: FLEET },
  { from: 'open', to: 'closed', reason: FLEET },
  { from: 'half-open', to: 'closed', reason: FLEET },
]

const STATES: readonly BreakerState[] = ['closed', 'open', 'half-open', 'isolated', 'disabled']

/**
 * Lists every transition that a breaker with these settings can make.
 *
 *     from       to         when
 *     closed     open       the trip decides
 *     open       half-open  the open period ends
 *     half-open  closed     enough probes succeed
 *     half-open  open       too many probes fail, are too slow or exceed their lease
 *     open       closed     the health check succeeds
 *     half-open  closed     the health check succeeds
 *     closed     open       trip()
 *     half-open  open       trip()
 *     any        any        the fleet's circuit changes
 *     any other  isolated   isolate()
 *     any other  disabled   disable()
 *     any other  closed     reset()
 */
export function transitionsOf(
  trip: Pick<Trip, 'reasons' | 'slowerThanMs'>,
  hasHealthCheck = false,
  isShared = false,
): readonly PossibleTransition[] {
  const manual = (to: BreakerState, reason: string): readonly PossibleTransition[] =>
    STATES.filter((from) => from !== to).map((from) => ({ from, to, reason }))
  const timed = trip.slowerThanMs !== undefined
  return [
    ...trip.reasons.map((reason) => ({ from: 'closed', to: 'open', reason }) as const),
    { from: 'open', to: 'half-open', reason: REASONS.openPeriodEnded },
    { from: 'half-open', to: 'closed', reason: REASONS.probesSucceeded },
    { from: 'half-open', to: 'open', reason: REASONS.probeFailed },
    ...(timed ? [{ from: 'half-open', to: 'open', reason: REASONS.probeSlow } as const] : []),
    { from: 'half-open', to: 'open', reason: REASONS.leaseOver },
    ...(hasHealthCheck
      ? (['open', 'half-open'] as const).map((from) => ({ from, to: 'closed', reason: REASONS.healthCheck }) as const)
      : []),
    ...(isShared ? OF_FLEET : []),
    { from: 'closed', to: 'open', reason: MANUAL_TRIP },
    { from: 'half-open', to: 'open', reason: MANUAL_TRIP },
    ...manual('isolated', REASONS.isolated),
    ...manual('disabled', REASONS.disabled),
    ...manual('closed', REASONS.reset),
  ]
}
