import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { type Duration, show } from '../../core/options/durations.ts'
import { knownKeys } from '../../core/options/options.ts'
import type { BulkheadOptions } from '../bulkhead/options.ts'
import type { CircuitBreakerOptions } from '../circuit-breaker/options.ts'
import { failureRate } from '../circuit-breaker/state/trips/trip.ts'
import type { RateLimiterOptions } from '../rate-limiter/options.ts'
import type { RetryOptions } from '../retry/options.ts'
import { exponential } from '../retry/state/backoff.ts'

/** Options of `standardShield`: what differs from the defaults. */
export interface StandardShieldOptions {
  /**
   * Limits concurrent calls. Default `{ limit: 1000 }`; none if there is a `rateLimiter` and this option is left out.
   */
  readonly bulkhead?: BulkheadOptions
  /** Limits calls per time. It replaces the default bulkhead, and is outside a bulkhead that is given. Default: none. */
  readonly rateLimiter?: RateLimiterOptions
  /** The timeout for all attempts together. Default `'30s'`. */
  readonly totalTimeout?: Duration
  /** Default `{ maxRetries: 3, backoff: exponential({ base: '2s' }) }`. */
  readonly retry?: RetryOptions
  /** Default: a failure rate of 10 % of at least 100 calls in 30 s opens it for 5 s. */
  readonly circuitBreaker?: CircuitBreakerOptions
  /** The timeout for each attempt. Default `'10s'`. */
  readonly attemptTimeout?: Duration
}

/** The options of each policy in a standard shield, with the defaults filled in. */
export interface StandardShieldSettings {
  readonly rateLimiter: RateLimiterOptions | undefined
  readonly bulkhead: BulkheadOptions | undefined
  readonly totalTimeout: Duration
  readonly retry: RetryOptions
  readonly circuitBreaker: CircuitBreakerOptions
  readonly attemptTimeout: Duration
}

const KNOWN: readonly (keyof StandardShieldOptions)[] = [
  'bulkhead',
  'rateLimiter',
  'totalTimeout',
  'retry',
  'circuitBreaker',
  'attemptTimeout',
]

/** Fills in the defaults. The policies check their own options. */
export function readStandardShield(options: StandardShieldOptions): StandardShieldSettings {
  knownKeys(options, 'standardShield', KNOWN)
  const { rateLimiter, bulkhead } = options
  // The options of a policy are merged with defaults below: a value that is no object would vanish.
  for (const policy of ['bulkhead', 'rateLimiter', 'retry', 'circuitBreaker'] as const) {
    const given: unknown = options[policy]
    if (given !== undefined && (typeof given !== 'object' || Array.isArray(given))) {
      throw new ConfigurationError(`standardShield.${policy}`, `expected an object of options, got ${show(given)}`)
    }
  }
  return {
    rateLimiter,
    bulkhead: rateLimiter === undefined || bulkhead !== undefined ? { limit: 1000, ...bulkhead } : undefined,
    totalTimeout: options.totalTimeout ?? '30s',
    retry: { maxRetries: 3, backoff: exponential({ base: '2s' }), ...options.retry },
    circuitBreaker: {
      trip: failureRate({ threshold: 0.1, minimumCalls: 100, window: '30s' }),
      openFor: '5s',
      ...options.circuitBreaker,
    },
    attemptTimeout: options.attemptTimeout ?? '10s',
  }
}
