import {
  type AnyPolicy,
  bulkhead,
  circuitBreaker,
  exponential,
  failureRate,
  fallback,
  retry,
  type Shield,
  shield,
  type Trip,
  timeout,
} from 'escudo'
import { OPEN_MS, TIMEOUT_MS } from './peers.ts'

/** Trips when half of at least 20 calls in 30 s fail. */
export const overTime: Trip = failureRate({ threshold: 0.5, window: '30s', minimumCalls: 20 })

/** A breaker whose open period is longer than the run. */
export function ourBreaker(trip: Trip = overTime): ReturnType<typeof circuitBreaker> {
  return circuitBreaker({ trip, openFor: OPEN_MS })
}

/** 2 retries, exponential from 200 ms to 10 s, full jitter. */
export function ourRetry(): ReturnType<typeof retry> {
  return retry({ maxRetries: 2, backoff: exponential({ base: '200ms', max: '10s' }) })
}

/** A shield for operations that return a number. */
export function ours(name: string, ...policies: readonly AnyPolicy[]): Shield<number, number> {
  return shield(`bench-${name}`, ...(policies as readonly never[])) as unknown as Shield<number, number>
}

/** The five: fallback, retry, breaker, bulkhead (10), timeout (2 s). */
export function ourFive(name: string, breaker: AnyPolicy = ourBreaker()): Shield<number, number> {
  return ours(name, fallback(1), ourRetry(), breaker, bulkhead({ limit: 10 }), timeout(TIMEOUT_MS))
}
