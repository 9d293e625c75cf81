import { ConfigurationError } from '../../../../core/options/configuration-error.ts'
import { show } from '../../../../core/options/durations.ts'
import type { Trip, TripRule } from './trip-rule.ts'

/**
 * Opens when any of several rules says so. The reason is that of the rule that did; of two at once, that of the first.
 *
 * A snapshot's `failures` and `calls` are those of one rule, since two windows have no sum: of the first while the
 * circuit is closed, of the one that tripped while it is open or half-open. A call is slow for a half-open circuit when
 * it is slow for any of the rules.
 *
 * @param trips at least one; each is fed with every call
 * @throws ConfigurationError when there is none, or when one is no trip
 * @example
 * ```ts
 * import { anyTrip, circuitBreaker, failureRate, slowCallRate } from 'escudo'
 *
 * const breaker = circuitBreaker({
 *   trip: anyTrip(failureRate({ threshold: 0.5 }), slowCallRate({ threshold: 0.8, slowerThan: '2s' })),
 * })
 * ```
 */
export function anyTrip(...trips: readonly Trip[]): Trip {
  if (trips.length === 0) throw new ConfigurationError('anyTrip', 'expected at least one trip')
  const checked = trips.map((trip, index) => checkedTrip(trip, `anyTrip[${index}]`))
  const reasons = [...new Set(checked.flatMap((trip) => trip.reasons))]
  const limitsMs = checked.flatMap(({ slowerThanMs }) => (slowerThanMs === undefined ? [] : [slowerThanMs]))
  const create = (): TripRule => new AnyTripRule(checked.map((trip) => trip.create()))
  return limitsMs.length === 0 ? { reasons, create } : { reasons, slowerThanMs: Math.min(...limitsMs), create }
}

/** A trip, or an error that names the option. */
export function checkedTrip(trip: Trip, path: string): Trip {
  if (typeof trip?.create === 'function' && Array.isArray(trip.reasons)) return trip
  throw new ConfigurationError(
    path,
    `expected consecutive(…), failureRate(…), slowCallRate(…) or anyTrip(…), got ${show(trip)}`,
  )
}

class AnyTripRule implements TripRule {
  readonly #rules: readonly TripRule[]
  /** The one that tripped; until then the first. */
  #shown: TripRule

  constructor(rules: readonly TripRule[]) {
    this.#rules = rules
    this.#shown = rules[0] as TripRule
  }

  record(failed: boolean, durationMs: number, now: number): string | undefined {
    let why: string | undefined
    for (const rule of this.#rules) {
      const reason = rule.record(failed, durationMs, now)
      if (reason === undefined || why !== undefined) continue
      why = reason
      this.#shown = rule
    }
    return why
  }

  failures(now: number): number {
    return this.#shown.failures(now)
  }

  calls(now: number): number {
    return this.#shown.calls(now)
  }

  clear(): void {
    for (const rule of this.#rules) rule.clear()
    this.#shown = this.#rules[0] as TripRule
  }
}
