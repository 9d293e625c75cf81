import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type AnyPolicy,
  adaptiveLimiter,
  adaptiveThrottle,
  bulkhead,
  cache,
  circuitBreaker,
  coalesce,
  constant,
  definePolicy,
  exponential,
  failureRate,
  fallback,
  hedge,
  rateLimiter,
  retry,
  shield,
  slowCallRate,
  timeout,
} from '../../../index.ts'

// Each rule of the check, with the policies that break it, the closest ones that do not, and the message.

const warnings = vi.spyOn(process, 'emitWarning')
beforeEach(() => void warnings.mockImplementation(() => {}))
afterEach(() => void warnings.mockReset())

let shields = 0
const build = (...policies: AnyPolicy[]): unknown => {
  shields += 1
  return shield(`order ${shields}`, ...(policies as never[]))
}
const messages = (): string[] => warnings.mock.calls.map(([text]) => String(text))

const slow = circuitBreaker({ trip: slowCallRate({ threshold: 0.5, slowerThan: '2s' }) })

const WARNINGS: readonly [string, () => AnyPolicy[], () => AnyPolicy[], RegExp][] = [
  ...(
    [
      ['retry', () => retry()],
      ['circuit breaker', () => circuitBreaker()],
      ['hedge', () => hedge({ after: 10 })],
      ['adaptive throttle', () => adaptiveThrottle()],
      ['adaptive limiter', () => adaptiveLimiter()],
      ['cache', () => cache({ ttl: '1s' })],
    ] as const
  ).map(
    ([name, make]) =>
      [
        `a fallback inside: ${name}`,
        () => [make(), fallback(0)],
        () => [fallback(0), make()],
        new RegExp(`the fallback 'fallback' is inside the ${name} '.+put the fallback outside`),
      ] as [string, () => AnyPolicy[], () => AnyPolicy[], RegExp],
  ),
  [
    'a retry whose first delay is longer than the outer timeout',
    () => [timeout('1s'), retry({ backoff: constant('1s') })],
    () => [timeout('1s'), retry({ backoff: exponential({ base: '5s' }) })],
    /^retry\.backoff: .*waits at least 1000 ms/,
  ],
  [
    'a hedge that starts after the outer timeout',
    () => [timeout('1s'), hedge({ after: '1s' })],
    () => [timeout('1s'), hedge({ after: '999ms' })],
    /^hedge\.after: .*so no hedge ever starts/,
  ],
  [
    'a hedge that starts after the inner timeout',
    () => [hedge({ after: '1s' }), timeout('1s')],
    () => [hedge({ after: '999ms' }), timeout('1s')],
    /^hedge\.after: .*two attempts never run at the same time/,
  ],
  [
    'a retry inside a hedge',
    () => [hedge({ after: 10 }), retry()],
    () => [retry(), hedge({ after: 10 })],
    /every hedge is retried too/,
  ],
  [
    'a retry inside a retry',
    () => [retry({ maxRetries: 2 }), retry({ maxRetries: 3 })],
    () => [retry()],
    /up to 12 for one call/,
  ],
  [
    'a retry inside a circuit breaker',
    () => [circuitBreaker(), retry()],
    () => [retry(), circuitBreaker()],
    /counts a call with all its attempts as one/,
  ],
  [
    'a timeout that ends calls before they can be slow',
    () => [slow, timeout('1s')],
    () => [slow, timeout('3s')],
    /^slowCallRate\.slowerThan: .*no call is ever slower than the 2000 ms/,
  ],
  [
    'a lease that ends before the timeout of the probe',
    () => [circuitBreaker({ halfOpen: { lease: '1s' } }), timeout('2s')],
    () => [circuitBreaker({ halfOpen: { lease: '2s' } }), timeout('2s')],
    /^circuitBreaker\.halfOpen\.lease: .*make the lease at least as long/,
  ],
  [
    'a minimum number of calls that the rate limiter never allows',
    () => [rateLimiter({ limit: 5, per: '1m' }), circuitBreaker({ trip: failureRate({ minimumCalls: 20 }) })],
    () => [rateLimiter({ limit: 20, per: '1m' }), circuitBreaker({ trip: failureRate({ minimumCalls: 20 }) })],
    /^circuitBreaker\.trip: .*allows fewer calls in 30000 ms than the 20/,
  ],
  [
    'a retry inside an adaptive limiter',
    () => [adaptiveLimiter(), retry()],
    () => [retry(), adaptiveLimiter()],
    /mistakes the retry delays for a slow dependency/,
  ],
  [
    'a maxWait of a rate limiter that is longer than the outer timeout',
    () => [timeout('1s'), rateLimiter({ limit: 1, per: '1s', maxWait: '1s' })],
    () => [timeout('1s'), rateLimiter({ limit: 1, per: '1s', maxWait: '900ms' })],
    /^rateLimiter\.maxWait: .*with a timeout instead of a refusal/,
  ],
  [
    'a maxWait of a bulkhead that is longer than the outer timeout',
    () => [timeout('1s'), bulkhead({ limit: 1, queue: 1, maxWait: '1s' })],
    () => [timeout('1s'), bulkhead({ limit: 1, queue: 1, maxWait: '900ms' })],
    /^bulkhead\.maxWait: .*with a timeout instead of a refusal/,
  ],
]

describe('warns about', () => {
  test.each(WARNINGS)('%s', (_name, broken, correct, expected) => {
    build(...broken())
    expect(messages()).toEqual([expect.stringMatching(expected)])
    warnings.mockClear()
    build(...correct())
    expect(messages()).toEqual([])
  })

  test('each finding once per shield, also with a custom policy in between', () => {
    const custom = definePolicy({ name: 'custom', wrap: (next) => next })
    shield('warned once', retry(), custom, fallback(0))
    shield('warned once', retry(), custom, fallback(0))
    expect(messages()).toHaveLength(1)
  })
})

describe('throws, with the path of the option, for', () => {
  test('a timeout that never fires', () => {
    expect(() => build(timeout('1s'), timeout('2s'))).toThrow(/^timeout\.after: .*would never fire/)
    expect(() => build(timeout('1s'), timeout('1s'))).not.toThrow()
  })

  test('a timeout that never fires, but not inside a cache or a coalesce', () => {
    for (const detached of [cache({ ttl: '1s' }), coalesce()]) {
      expect(() => build(timeout('1s'), detached, timeout('5s'))).not.toThrow()
    }
  })

  test('the same policy twice, unless it is a custom policy', () => {
    const breaker = circuitBreaker()
    expect(() => build(breaker, timeout('1s'), breaker)).toThrow(/^shield\.policies\[2\]: the same policy/)
    const custom = definePolicy({ name: 'custom', wrap: (next) => next })
    expect(() => build(custom, custom)).not.toThrow()
  })
})
