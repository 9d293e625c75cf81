import { ConfigurationError } from '../../../../core/options/configuration-error.ts'
import { show } from '../../../../core/options/durations.ts'
import { slowLimitsOf, type Trip, type TripRule } from './trip-rule.ts'

/**
 * Opens the circuit when any of several trips does.
 *
 * The reason is that of the trip that opened it; if several do at the same call, that of the first in the list. The
 * status fields `failures` and `calls` belong to one trip, because two windows cannot be added: while closed, to the
 * first trip; while open or half-open, to the one that opened the circuit. A probe is slow if it is slow for any trip.
 *
 * @param trips at least one; each receives every call
 * @throws ConfigurationError if there is no trip, or if a value is not a trip
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
  const slowLimitsMs = [...new Set(checked.flatMap((trip) => slowLimitsOf(trip) ?? []))].sort((a, b) => a - b)
  const [slowerThanMs] = slowLimitsMs
  const create = (): TripRule => new AnyTripRule(checked.map((trip) => trip.create()))
  return slowerThanMs === undefined ? { reasons, create } : { reasons, slowerThanMs, slowLimitsMs, create }
}

/** Returns the trip, or throws a ConfigurationError with the path of the option. */
export function checkedTrip(trip: Trip, path: string): Trip {
  if (typeof trip?.create === 'function' && Array.isArray(trip.reasons)) return trip
  throw new ConfigurationError(
    path,
    `expected consecutive(…), failureRate(…), slowCallRate(…) or anyTrip(…), got ${show(trip)}`,
  )
}

class AnyTripRule implements TripRule {
  readonly parts: readonly TripRule[]
  /** The rule whose counts the status shows: the one that tripped; until then, the first. */
  #shown: TripRule

  constructor(rules: readonly TripRule[]) {
    this.parts = rules
    this.#shown = rules[0] as TripRule
  }

  record(failed: boolean, durationMs: number, now: number, countedSlowMs?: number): string | undefined {
    return this.#count((rule) => rule.record(failed, durationMs, now, countedSlowMs))
  }

  recordSlow(limitMs: number, now: number): string | undefined {
    return this.#count((rule) => rule.recordSlow?.(limitMs, now))
  }

  #count(record: (rule: TripRule) => string | undefined): string | undefined {
    let firstReason: string | undefined
    // No early return: every rule must count every call.
    for (const rule of this.parts) {
      const reason = record(rule)
      if (reason === undefined || firstReason !== undefined) continue
      firstReason = reason
      this.#shown = rule
    }
    return firstReason
  }

  failures(now: number): number {
    return this.#shown.failures(now)
  }

  calls(now: number): number {
    return this.#shown.calls(now)
  }

  clear(): void {
    for (const rule of this.parts) rule.clear()
    this.#shown = this.parts[0] as TripRule
  }
}
