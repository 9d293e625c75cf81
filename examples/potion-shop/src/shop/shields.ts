import {
  bulkhead,
  type CircuitBreaker,
  circuitBreaker,
  consecutive,
  exponential,
  failureRate,
  fallback,
  rateLimiter,
  retry,
  type Shield,
  shield,
  timeout,
} from 'escudo'
import { shared } from './fleet.ts'

// One shield for each dependency, created once, because policies keep state between calls.
// The first policy is the outermost.

/** The answer when the stock is unknown. */
const UNKNOWN_STOCK = { stock: null, status: 'No se pudo verificar el stock' } as const

/** Breakers open for all instances of the shop at once, if there are several. */
const ofFleet = shared === undefined ? {} : { shared, quorum: 0.5 }

const flakyRetry = retry({
  maxRetries: 2,
  backoff: exponential({ base: '200ms', factor: 2, max: '2s', jitter: 'full' }),
})

/**
 * For a dependency that often fails and soon recovers: at most three attempts of two seconds each. Jitter spreads the
 * retries of many callers. If the shop has several instances, all of them together make at most 20 calls per second.
 */
export const flaky: Shield =
  shared === undefined
    ? shield('flaky', flakyRetry, timeout('2s'))
    : shield('flaky', rateLimiter({ limit: 20, per: '1s', maxWait: '200ms', shared }), flakyRetry, timeout('2s'))

/** Opens after three consecutive failures. After ten seconds, one probe decides whether it closes. */
export const externalBreaker = circuitBreaker({
  trip: consecutive(3),
  openFor: '10s',
  halfOpen: { probes: 1, closeAt: 1 },
  ...ofFleet,
})

/** Has no retry: with one, the breaker would count several failures for one request. */
export const external = shield('external', externalBreaker, timeout('2s'))

// A separate breaker for each dependency: failures of one must not open the circuit of the other.
const dependencyBreaker = (): CircuitBreaker =>
  circuitBreaker({
    trip: failureRate({ threshold: 0.5, window: '30s', minimumCalls: 20 }),
    openFor: '10s',
    ...ofFleet,
  })

/** Critical: two seconds in total, one retry, then an error. */
export const products = shield(
  'products',
  timeout('2s'),
  retry({ maxRetries: 1, backoff: exponential({ base: '100ms', max: '500ms' }) }),
  dependencyBreaker(),
)

/** Not critical: like {@link products}, with a fallback instead of an error. */
export const inventory = shield(
  'inventory',
  fallback(UNKNOWN_STOCK),
  timeout('2s'),
  retry({ maxRetries: 1, backoff: exponential({ base: '100ms', max: '500ms' }) }),
  dependencyBreaker(),
)

/**
 * One bulkhead for each dependency: five calls run, five wait, and further calls are rejected immediately. The timeout
 * is inside, so it does not count the wait. It releases the permit of a call that hangs. It is longer than any expected
 * call.
 */
export const bulkheads = { a: demoBulkhead('a'), b: demoBulkhead('b'), c: demoBulkhead('c') } as const

/** The names of the dependencies with a bulkhead. */
export type BulkheadName = keyof typeof bulkheads

function demoBulkhead(name: string): Shield {
  return shield(`compartment-${name}`, bulkhead({ limit: 5, queue: 5 }), timeout('12s'))
}
