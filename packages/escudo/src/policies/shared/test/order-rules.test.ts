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

// Each pair that the check of a shield knows: outer and inner, what it says, and the nearest pair that is well.

const warnings = vi.spyOn(process, 'emitWarning')
beforeEach(() => void warnings.mockImplementation(() => {}))
afterEach(() => void warnings.mockReset())

let shields = 0
const build = (...policies: AnyPolicy[]): unknown => {
  shields += 1
  return shield(`order ${shields}`, ...(policies as never[]))
}
const said = (): string[] => warnings.mock.calls.map(([text]) => String(text))

const slow = circuitBreaker({ trip: slowCallRate({ threshold: 0.5, slowerThan: '2s' }) })

const DOUBTFUL: readonly [string, () => AnyPolicy[], () => AnyPolicy[], RegExp][] = [
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
        `a fallback inside of a ${name}`,
        () => [make(), fallback(0)],
        () => [fallback(0), make()],
        new RegExp(`the fallback 'fallback' stands inside of the ${name} '.+put the fallback outside`),
      ] as [string, () => AnyPolicy[], () => AnyPolicy[], RegExp],
  ),
  [
    'a retry whose first delay is longer than the timeout around it',
    () => [timeout('1s'), retry({ backoff: constant('1s') })],
    () => [timeout('1s'), retry({ backoff: exponential({ base: '5s' }) })],
    /^retry\.backoff: .*waits at least 1000 ms/,
  ],
  [
    'a hedge later than the timeout around it',
    () => [timeout('1s'), hedge({ after: '1s' })],
    () => [timeout('1s'), hedge({ after: '999ms' })],
    /^hedge\.after: .*ends the call before the hedge/,
  ],
  [
    'a hedge later than the timeout inside of it',
    () => [hedge({ after: '1s' }), timeout('1s')],
    () => [hedge({ after: '999ms' }), timeout('1s')],
    /^hedge\.after: .*two never run at the same time/,
  ],
  [
    'a retry inside of a hedge',
    () => [hedge({ after: 10 }), retry()],
    () => [retry(), hedge({ after: 10 })],
    /every hedge is retried too/,
  ],
  [
    'a retry inside of a retry',
    () => [retry({ maxRetries: 2 }), retry({ maxRetries: 3 })],
    () => [retry()],
    /up to 12 for one call/,
  ],
  [
    'a retry inside of a circuit breaker',
    () => [circuitBreaker(), retry()],
    () => [retry(), circuitBreaker()],
    /counts a call with all its attempts as one/,
  ],
  [
    'calls that end before they can be slow',
    () => [slow, timeout('1s')],
    () => [slow, timeout('3s')],
    /^slowCallRate\.slowerThan: .*none is ever slower than the 2000 ms/,
  ],
  [
    'a lease that is over before the probe may be',
    () => [circuitBreaker({ halfOpen: { lease: '1s' } }), timeout('2s')],
    () => [circuitBreaker({ halfOpen: { lease: '2s' } }), timeout('2s')],
    /^circuitBreaker\.halfOpen\.lease: .*make the lease longer/,
  ],
  [
    'a minimum of calls that a rate limiter never lets through',
    () => [rateLimiter({ limit: 5, per: '1m' }), circuitBreaker({ trip: failureRate({ minimumCalls: 20 }) })],
    () => [rateLimiter({ limit: 20, per: '1m' }), circuitBreaker({ trip: failureRate({ minimumCalls: 20 }) })],
    /^circuitBreaker\.trip: .*fewer calls through in 30000 ms than the 20/,
  ],
  [
    'a retry inside of an adaptive limiter',
    () => [adaptiveLimiter(), retry()],
    () => [retry(), adaptiveLimiter()],
    /takes its delays for a slow dependency/,
  ],
  [
    'a wait in a rate limiter that is longer than the timeout around it',
    () => [timeout('1s'), rateLimiter({ limit: 1, per: '1s', maxWait: '1s' })],
    () => [timeout('1s'), rateLimiter({ limit: 1, per: '1s', maxWait: '900ms' })],
    /^rateLimiter\.maxWait: .*told of a timeout/,
  ],
  [
    'a wait in a bulkhead that is longer than the timeout around it',
    () => [timeout('1s'), bulkhead({ limit: 1, queue: 1, maxWait: '1s' })],
    () => [timeout('1s'), bulkhead({ limit: 1, queue: 1, maxWait: '900ms' })],
    /^bulkhead\.maxWait: .*told of a timeout/,
  ],
]

describe('a doubtful order warns', () => {
  test.each(DOUBTFUL)('%s', (_name, doubtful, well, expected) => {
    build(...doubtful())
    expect(said()).toEqual([expect.stringMatching(expected)])
    warnings.mockClear()
    build(...well())
    expect(said()).toEqual([])
  })

  test('once for each shield and finding, whatever the policies in between', () => {
    const own = definePolicy({ name: 'own', wrap: (next) => next })
    shield('warned once', retry(), own, fallback(0))
    shield('warned once', retry(), own, fallback(0))
    expect(said()).toHaveLength(1)
  })
})

describe('what cannot work throws, with the path of the option', () => {
  test('a timeout that never fires', () => {
    expect(() => build(timeout('1s'), timeout('2s'))).toThrow(/^timeout\.after: .*would never fire/)
    expect(() => build(timeout('1s'), timeout('1s'))).not.toThrow()
  })

  test('but not beyond what goes on without the caller', () => {
    for (const detached of [cache({ ttl: '1s' }), coalesce()]) {
      expect(() => build(timeout('1s'), detached, timeout('5s'))).not.toThrow()
    }
  })

  test('the same policy twice', () => {
    const breaker = circuitBreaker()
    expect(() => build(breaker, timeout('1s'), breaker)).toThrow(/^shield\.policies\[2\]: the same policy/)
    const own = definePolicy({ name: 'own', wrap: (next) => next })
    expect(() => build(own, own)).not.toThrow()
  })
})
