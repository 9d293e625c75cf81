import * as cockatiel from 'cockatiel'
import { bulkhead, circuitBreaker, exponential, failureRate, fallback, retry, shield, timeout } from 'escudo'
import type { Case } from '../harness.ts'
import { inSequence, succeed } from './operations.ts'

const group = 'five policies, success'

// Fallback, retry (2, exponential with jitter), breaker (half of at least 20 calls in 30 s), bulkhead (10), timeout
// (2 s, settles on time), in this order, on both sides. cockatiel states its minimum as calls a second.
const ours = shield(
  'bench',
  fallback(0),
  retry({ maxRetries: 2, backoff: exponential() }),
  circuitBreaker({ trip: failureRate({ threshold: 0.5, window: '30s', minimumCalls: 20 }), openFor: '10s' }),
  bulkhead({ limit: 10 }),
  timeout('2s'),
)

const theirs = cockatiel.wrap(
  cockatiel.fallback(cockatiel.handleAll, 0),
  cockatiel.retry(cockatiel.handleAll, { maxAttempts: 2, backoff: new cockatiel.ExponentialBackoff() }),
  cockatiel.circuitBreaker(cockatiel.handleAll, {
    halfOpenAfter: 10_000,
    breaker: new cockatiel.SamplingBreaker({ threshold: 0.5, duration: 30_000, minimumRps: 20 / 30 }),
  }),
  cockatiel.bulkhead(10),
  cockatiel.timeout(2_000, cockatiel.TimeoutStrategy.Aggressive),
)

/** The price of a whole shield when all is well, and of the same five of cockatiel. opossum has no retry. */
export const fivePolicies: readonly Case[] = [
  { group, by: 'bare', run: inSequence(succeed) },
  { group, by: 'escudo', run: inSequence(() => ours.run(succeed)) },
  { group, by: 'cockatiel', run: inSequence(() => theirs.execute(succeed)) },
]
