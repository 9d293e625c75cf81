import * as cockatiel from 'cockatiel'
import type Opossum from 'opossum'

// The settings of the peers, equal to ours: a circuit opens when half of at least 20 calls in 30 s fail; 2 retries,
// exponential from 200 ms to 10 s with jitter; a bulkhead of 10 that rejects immediately; a timeout of 2 s that settles
// on time even if the operation ignores its signal. The settings of effect are in `effect.ts`.

/** The open period of circuits: longer than a run, so that none half-opens. */
export const OPEN_MS = 3_600_000
/** The timeout of every case that does not time out. */
export const TIMEOUT_MS = 2_000

const { handleAll } = cockatiel

/** A policy of cockatiel. */
export interface Executes {
  execute(
    operation: (context: { readonly signal: AbortSignal }) => PromiseLike<number>,
    signal?: AbortSignal,
  ): PromiseLike<unknown>
}

/** A breaker over 30 s. cockatiel takes the minimum as calls per second. */
export function cockatielBreaker(threshold = 0.5, minimumCalls = 20): cockatiel.CircuitBreakerPolicy {
  return cockatiel.circuitBreaker(handleAll, {
    halfOpenAfter: OPEN_MS,
    breaker: new cockatiel.SamplingBreaker({ threshold, duration: 30_000, minimumRps: minimumCalls / 30 }),
  })
}

/** A breaker over the last `size` calls. */
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

/** The policies of {@link cockatielFive} that a case may replace. */
export interface CockatielParts {
  readonly retry: cockatiel.RetryPolicy
  readonly breaker: cockatiel.CircuitBreakerPolicy
  readonly timeout: cockatiel.TimeoutPolicy
}

/** The five of cockatiel, in the same order as ours. */
export function cockatielFive(parts: Partial<CockatielParts> = {}): Executes {
  return cockatiel.wrap(
    cockatielFallback(),
    parts.retry ?? cockatielRetry(),
    parts.breaker ?? cockatielBreaker(),
    cockatiel.bulkhead(10),
    parts.timeout ?? cockatielTimeout(),
  )
}

/** Percentiles are off: opossum sorts latencies on a timer and at each failure, and no other library has them. */
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
