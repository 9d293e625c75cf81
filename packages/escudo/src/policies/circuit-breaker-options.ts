import { ConfigurationError } from '../core/configuration-error.ts'
import { show, toMs } from '../core/durations.ts'
import { finiteNumber, knownKeys, share, wholeNumber } from '../core/options.ts'
import type { HalfOpenSettings, OpenTime } from '../mechanisms/breaker.ts'
import type { Trip } from '../mechanisms/trip.ts'
import type { CircuitBreakerOptions } from './circuit-breaker.ts'

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
