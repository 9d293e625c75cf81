import * as cockatiel from 'cockatiel'
import type Opossum from 'opossum'

// The peers' settings, in one place, and equal to ours: half of at least 20 calls in 30 s opens a circuit; 2 retries,
// exponential from 200 ms to 10 s with jitter; a bulkhead of 10 that refuses at once; a timeout of 2 s that settles on
// time whether or not the operation listens. effect's stand in `effect.ts`.

/** How long circuits stay open: so that none half-opens while something is measured. */
export const OPEN_MS = 3_600_000
/** The timeout of every case that does not time out. */
export const TIMEOUT_MS = 2_000

const { handleAll } = cockatiel

/** A policy of cockatiel, as the cases use it. */
export interface Executes {
  execute(
    operation: (context: { readonly signal: AbortSignal }) => PromiseLike<number>,
    signal?: AbortSignal,
  ): PromiseLike<unknown>
}

/** cockatiel states a breaker's minimum as calls a second. */
export function cockatielBreaker(threshold = 0.5, minimumCalls = 20): cockatiel.CircuitBreakerPolicy {
  return cockatiel.circuitBreaker(handleAll, {
    halfOpenAfter: OPEN_MS,
    breaker: new cockatiel.SamplingBreaker({ threshold, duration: 30_000, minimumRps: minimumCalls / 30 }),
  })
}

/** Over the last `size` calls. */
export function cockatielCountBreaker(
  size: number,
  threshold = 0.5,
  minimumCalls = 20,
): cockatiel.CircuitBreakerPolicy {
  return cockatiel.circuitBreaker(handleAll, {
    halfOpenAfter: OPEN_MS,
    breaker: new cockatiel.CountBreaker({ threshold, size, minimumNumberOfCalls: minimumCalls }),
  })
}

export function cockatielRetry(policy: cockatiel.Policy = handleAll): cockatiel.RetryPolicy {
  const backoff = new cockatiel.ExponentialBackoff({ initialDelay: 200, maxDelay: 10_000 })
  return cockatiel.retry(policy, { maxAttempts: 2, backoff })
}

export function cockatielTimeout(afterMs: number = TIMEOUT_MS): cockatiel.TimeoutPolicy {
  return cockatiel.timeout(afterMs, cockatiel.TimeoutStrategy.Aggressive)
}

export function cockatielFallback(): cockatiel.FallbackPolicy<number> {
  return cockatiel.fallback(handleAll, 1)
}

/** The parts of cockatiel's five that cases look at or replace. */
export interface CockatielParts {
  readonly retry: cockatiel.RetryPolicy
  readonly breaker: cockatiel.CircuitBreakerPolicy
  readonly timeout: cockatiel.TimeoutPolicy
}

/** The five of cockatiel, in the order of ours. */
export function cockatielFive(parts: Partial<CockatielParts> = {}): Executes {
  return cockatiel.wrap(
    cockatielFallback(),
    parts.retry ?? cockatielRetry(),
    parts.breaker ?? cockatielBreaker(),
    cockatiel.bulkhead(10),
    parts.timeout ?? cockatielTimeout(),
  )
}

/** opossum keeps latencies for percentiles, and sorts them on a timer and at each failure: off, since nobody else does. */
export const OPOSSUM: Opossum.Options = {
  timeout: TIMEOUT_MS,
  errorThresholdPercentage: 50,
  volumeThreshold: 20,
  rollingCountTimeout: 30_000,
  rollingCountBuckets: 10,
  resetTimeout: OPEN_MS,
  rollingPercentilesEnabled: false,
  enableSnapshots: false,
}
