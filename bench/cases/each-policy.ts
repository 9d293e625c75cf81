import * as cockatiel from 'cockatiel'
import { type AnyPolicy, bulkhead, circuitBreaker, fallback, retry, type Shield, shield, timeout } from 'escudo'
import type { Case } from '../harness.ts'
import { inSequence, succeed } from './operations.ts'

interface Executes {
  execute(fn: () => PromiseLike<number>): PromiseLike<unknown>
}

const handleAll = cockatiel.handleAll

const pairs: readonly { readonly policy: string; readonly ours: AnyPolicy; readonly theirs: Executes }[] = [
  { policy: 'fallback', ours: fallback(0), theirs: cockatiel.fallback(handleAll, 0) },
  {
    policy: 'retry',
    ours: retry({ maxRetries: 2 }),
    theirs: cockatiel.retry(handleAll, { maxAttempts: 2, backoff: new cockatiel.ExponentialBackoff() }),
  },
  {
    policy: 'circuit breaker',
    ours: circuitBreaker(),
    theirs: cockatiel.circuitBreaker(handleAll, {
      halfOpenAfter: 10_000,
      breaker: new cockatiel.SamplingBreaker({ threshold: 0.5, duration: 30_000, minimumRps: 20 / 30 }),
    }),
  },
  { policy: 'bulkhead', ours: bulkhead({ limit: 10 }), theirs: cockatiel.bulkhead(10) },
  {
    policy: 'timeout',
    ours: timeout('2s'),
    theirs: cockatiel.timeout(2_000, cockatiel.TimeoutStrategy.Aggressive),
  },
]

/** Each policy alone, success. */
export const eachPolicy: readonly Case[] = pairs.flatMap(({ policy, ours, theirs }) => {
  const group = `${policy} alone, success`
  const alone = shield(`bench-${policy}`, ours) as Shield<unknown, unknown>
  return [
    { group, by: 'bare', run: inSequence(succeed) },
    { group, by: 'escudo', run: inSequence(() => alone.run(succeed)) },
    { group, by: 'cockatiel', run: inSequence(() => theirs.execute(succeed)) },
  ]
})
