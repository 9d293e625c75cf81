import type { Duration } from '../../core/options/durations.ts'
import { knownKeys } from '../../core/options/options.ts'
import type { Policy } from '../../core/policy.ts'
import { type Shield, type ShieldOptions, shield } from '../../core/shield.ts'
import { bulkhead } from '../bulkhead/bulkhead.ts'
import type { BulkheadOptions } from '../bulkhead/options.ts'
import { circuitBreaker } from '../circuit-breaker/circuit-breaker.ts'
import type { CircuitBreakerOptions } from '../circuit-breaker/options.ts'
import { failureRate } from '../circuit-breaker/state/trips/trip.ts'
import type { RateLimiterOptions } from '../rate-limiter/options.ts'
import { rateLimiter } from '../rate-limiter/rate-limiter.ts'
import { type RetryOptions, retry } from '../retry/retry.ts'
import { exponential } from '../retry/state/backoff.ts'
import { timeout } from '../timeout/timeout.ts'

/** What differs from the standard. What is left out keeps the value below. */
export interface StandardShieldOptions {
  /** How many calls at a time. Default `{ limit: 1000 }`; none where there is a `rateLimiter` and nothing is said here. */
  readonly bulkhead?: BulkheadOptions
  /** How many calls in a time, in place of the bulkhead, or around the one that is given. Default: none. */
  readonly rateLimiter?: RateLimiterOptions
  /** For all attempts together. Default `'30s'`. */
  readonly totalTimeout?: Duration
  /** Default `{ maxRetries: 3, backoff: exponential({ base: '2s' }) }`. */
  readonly retry?: RetryOptions
  /** Default: 10 % of at least 100 calls in 30 s open it for 5 s. */
  readonly circuitBreaker?: CircuitBreakerOptions
  /** For each attempt. Default `'10s'`. */
  readonly attemptTimeout?: Duration
}

/**
 * A shield for a dependency of which nothing special is known: bulkhead or rate limiter, total timeout, retry, circuit breaker, attempt
 * timeout. Order and values of .NET's standard resilience pipeline (`Microsoft.Extensions.Http.Resilience`).
 *
 * @throws ConfigurationError for an option that cannot work, alone or beside the others
 * @example
 * ```ts
 * import { standardShield } from 'escudo'
 *
 * const catalogue = standardShield('catalogue', { attemptTimeout: '2s' })
 * const answer = await catalogue.run(async () => 42)
 * ```
 */
export function standardShield(nameOrOptions: string | ShieldOptions, options: StandardShieldOptions = {}): Shield {
  knownKeys(options, 'standardShield', [
    'bulkhead',
    'rateLimiter',
    'totalTimeout',
    'retry',
    'circuitBreaker',
    'attemptTimeout',
  ])
  const bounds: Policy[] = []
  if (options.rateLimiter !== undefined) bounds.push(rateLimiter(options.rateLimiter))
  if (options.rateLimiter === undefined || options.bulkhead !== undefined) {
    bounds.push(bulkhead({ limit: 1000, ...options.bulkhead }))
  }
  return shield(
    nameOrOptions,
    ...bounds,
    timeout(options.totalTimeout ?? '30s', { name: 'totalTimeout' }),
    retry({ maxRetries: 3, backoff: exponential({ base: '2s' }), ...options.retry }),
    circuitBreaker({
      trip: failureRate({ threshold: 0.1, minimumCalls: 100, window: '30s' }),
      openFor: '5s',
      ...options.circuitBreaker,
    }),
    timeout(options.attemptTimeout ?? '10s', { name: 'attemptTimeout' }),
  )
}
