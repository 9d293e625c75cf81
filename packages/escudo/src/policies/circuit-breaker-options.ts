import { ConfigurationError } from '../core/configuration-error.ts'
import { type Duration, show, toMs } from '../core/durations.ts'
import { finiteNumber, knownKeys, share, wholeNumber } from '../core/options.ts'
import type { Classify } from '../core/outcome.ts'
import type { HalfOpenSettings, OpenTime } from '../mechanisms/breaker.ts'
import type { Trip } from '../mechanisms/trip.ts'

/** Options of `circuitBreaker`. */
export interface CircuitBreakerOptions<R = unknown> {
  /** When it opens. Default {@link failureRate}: half of at least 20 calls in 30 s. */
  readonly trip?: Trip
  /** How long it stays open: always the same, or growing with each opening in a row. Default `'10s'`. */
  readonly openFor?: Duration | { readonly base: Duration; readonly factor: number; readonly max: Duration }
  /**
   * How it finds out whether the dependency is back: at most `probes` calls (default 1) go through; it closes when the
   * share `closeAt` of them (default 1) succeeded, and opens as soon as that is out of reach. A probe that has not
   * settled within `lease` (default `'60s'`) counts as a failure.
   */
  readonly halfOpen?: { readonly probes?: number; readonly closeAt?: number; readonly lease?: Duration }
  /** What counts as a failure. Default: what is thrown, but for business errors. */
  readonly classify?: Classify<R>
  /** Default: `circuitBreaker`. */
  readonly name?: string
}

const PATH = 'circuitBreaker'

/** What decides when it opens. */
export function checkedTrip(trip: Trip): Trip {
  if (typeof trip?.create === 'function') return trip
  throw new ConfigurationError(`${PATH}.trip`, `expected consecutive(…) or failureRate(…), got ${show(trip)}`)
}

/** How long it stays open, in milliseconds. */
export function readOpenTime(openFor: NonNullable<CircuitBreakerOptions['openFor']>): OpenTime {
  if (typeof openFor !== 'object') {
    const baseMs = toMs(openFor, `${PATH}.openFor`, 1)
    return { baseMs, factor: 1, maxMs: baseMs }
  }
  knownKeys(openFor, `${PATH}.openFor`, ['base', 'factor', 'max'])
  const baseMs = toMs(openFor.base, `${PATH}.openFor.base`, 1)
  const factor = finiteNumber(openFor.factor, `${PATH}.openFor.factor`, 1)
  return { baseMs, factor, maxMs: toMs(openFor.max, `${PATH}.openFor.max`, baseMs) }
}

/** How it finds out whether the dependency is back. */
export function readHalfOpen(halfOpen: NonNullable<CircuitBreakerOptions['halfOpen']>): HalfOpenSettings {
  const path = `${PATH}.halfOpen`
  knownKeys(halfOpen, path, ['probes', 'closeAt', 'lease'])
  return {
    probes: wholeNumber(halfOpen.probes ?? 1, `${path}.probes`, 1, 10_000),
    closeAt: share(halfOpen.closeAt ?? 1, `${path}.closeAt`),
    leaseMs: toMs(halfOpen.lease ?? '60s', `${path}.lease`, 1),
  }
}
