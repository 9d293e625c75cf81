import { expect, test } from 'vitest'
import {
  adaptiveThrottle,
  bulkhead,
  ConfigurationError,
  cache,
  circuitBreaker,
  coalesce,
  constant,
  fallback,
  rateLimiter,
  retry,
  standardShield,
  timeout,
} from '../../index.ts'

// Every option of the policies, with every kind of invalid value that can come from JavaScript or JSON.
const INVALID_DURATIONS = [Number.NaN, -1, Number.POSITIVE_INFINITY, '5 s', 'soon', {}, [], true, 5n]
const INVALID_COUNTS = [Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY, '5', {}, true, 5n]
const INVALID_SHARES = [Number.NaN, 0, -0.1, 1.1, '0.5', true]
const INVALID_NAMES = ['', 'x'.repeat(101), 5, {}]
const INVALID_FUNCTIONS = ['f', 5, {}, null]
const INVALID_OBJECTS = ['2s', 5, [], true]

const cases: [string, readonly unknown[], (value: never) => unknown][] = [
  ['retry.maxRetries', INVALID_COUNTS, (maxRetries) => retry({ maxRetries })],
  ['retry.backoff', ['2s', 5, {}, backoffFactory], (backoff) => retry({ backoff })],
  ['retry.classify', INVALID_FUNCTIONS, (classify) => retry({ classify })],
  ['retry.maxTotal', INVALID_DURATIONS, (maxTotal) => retry({ maxTotal })],
  ['retry.retryAfter', [true, 5, '5s', []], (retryAfter) => retry({ retryAfter })],
  ['retry.retryAfter.max', INVALID_DURATIONS, (max) => retry({ retryAfter: { max } })],
  ['retry.retryAfter.min', [1], (min) => retry({ retryAfter: { max: 1, min } as never })],
  ['retry.name', INVALID_NAMES, (name) => retry({ name })],
  ['retry.retries', [3], (retries) => retry({ retries } as never)],
  ['retry', INVALID_OBJECTS, (options) => retry(options)],
  ['circuitBreaker.trip', [3, '50%', {}], (trip) => circuitBreaker({ trip })],
  [
    'circuitBreaker.openFor',
    [...INVALID_DURATIONS.filter((value) => typeof value !== 'object'), 0],
    (openFor) => circuitBreaker({ openFor }),
  ],
  ['circuitBreaker.openFor', [[]], (openFor) => circuitBreaker({ openFor })],
  [
    'circuitBreaker.openFor.base',
    [...INVALID_DURATIONS, 0],
    (base) => circuitBreaker({ openFor: { base, factor: 2, max: '1h' } }),
  ],
  [
    'circuitBreaker.openFor.factor',
    [Number.NaN, 0.5, Number.POSITIVE_INFINITY, '2'],
    (factor) => circuitBreaker({ openFor: { base: 1, factor, max: '1h' } }),
  ],
  [
    'circuitBreaker.openFor.max',
    [...INVALID_DURATIONS, 999],
    (max) => circuitBreaker({ openFor: { base: '1s', factor: 2, max } }),
  ],
  [
    'circuitBreaker.openFor.maximum',
    [1],
    (maximum) => circuitBreaker({ openFor: { base: 1, factor: 1, max: 1, maximum } as never }),
  ],
  ['circuitBreaker.halfOpen', INVALID_OBJECTS, (halfOpen) => circuitBreaker({ halfOpen })],
  [
    'circuitBreaker.halfOpen.probes',
    [...INVALID_COUNTS, 0, 10_001],
    (probes) => circuitBreaker({ halfOpen: { probes } }),
  ],
  ['circuitBreaker.halfOpen.closeAt', INVALID_SHARES, (closeAt) => circuitBreaker({ halfOpen: { closeAt } })],
  ['circuitBreaker.halfOpen.lease', [...INVALID_DURATIONS, 0], (lease) => circuitBreaker({ halfOpen: { lease } })],
  ['circuitBreaker.halfOpen.probe', [1], (probe) => circuitBreaker({ halfOpen: { probe } as never })],
  ['circuitBreaker.classify', INVALID_FUNCTIONS, (classify) => circuitBreaker({ classify })],
  ['circuitBreaker.name', INVALID_NAMES, (name) => circuitBreaker({ name })],
  ['circuitBreaker.treshold', [0.5], (treshold) => circuitBreaker({ treshold } as never)],
  ['circuitBreaker', INVALID_OBJECTS, (options) => circuitBreaker(options)],
  ['timeout.after', [...INVALID_DURATIONS, 0, undefined, null], (after) => timeout(after)],
  ['timeout.name', INVALID_NAMES, (name) => timeout('1s', { name })],
  ['timeout.after', [1], () => timeout('0s')],
  ['timeout.signal', [1], (signal) => timeout('1s', { signal } as never)],
  ['bulkhead.limit', [...INVALID_COUNTS, 0, undefined, null], (limit) => bulkhead({ limit })],
  ['bulkhead.queue', INVALID_COUNTS, (queue) => bulkhead({ limit: 1, queue })],
  ['bulkhead.maxWait', INVALID_DURATIONS, (maxWait) => bulkhead({ limit: 1, maxWait })],
  ['bulkhead.order', ['FIFO', 'toString', 5, {}], (order) => bulkhead({ limit: 1, order })],
  ['bulkhead.perKey', [...INVALID_OBJECTS, null], (perKey) => bulkhead({ limit: 1, perKey })],
  [
    'bulkhead.perKey.maxKeys',
    [...INVALID_COUNTS, 0, 10_000_001],
    (maxKeys) => bulkhead({ limit: 1, perKey: { maxKeys } }),
  ],
  ['bulkhead.perKey.max', [1], (max) => bulkhead({ limit: 1, perKey: { max } as never })],
  ['bulkhead.name', INVALID_NAMES, (name) => bulkhead({ limit: 1, name })],
  ['bulkhead.maxQueue', [1], (maxQueue) => bulkhead({ limit: 1, maxQueue } as never)],
  ['bulkhead', [...INVALID_OBJECTS, undefined, null], (options) => bulkhead(options)],
  ['rateLimiter.limit', [...INVALID_COUNTS, 0, undefined, null], (limit) => rateLimiter({ limit, per: '1s' })],
  [
    'rateLimiter.limit',
    [...INVALID_COUNTS, 0, undefined, 1_000_001],
    (limit) => rateLimiter({ limit, per: '1s', algorithm: 'slidingWindow' }),
  ],
  ['rateLimiter.per', [...INVALID_DURATIONS, 0, undefined, null], (per) => rateLimiter({ limit: 1, per })],
  ['rateLimiter.per', [Number.MAX_VALUE], (per) => rateLimiter({ limit: 10, per })],
  ['rateLimiter.algorithm', ['leakyBucket', 5, {}], (algorithm) => rateLimiter({ limit: 1, per: '1s', algorithm })],
  ['rateLimiter.burst', [...INVALID_COUNTS, 0], (burst) => rateLimiter({ limit: 1, per: '1s', burst })],
  ['rateLimiter.burst', [1], (burst) => rateLimiter({ limit: 1, per: '1s', algorithm: 'slidingWindow', burst })],
  ['rateLimiter.maxWait', INVALID_DURATIONS, (maxWait) => rateLimiter({ limit: 1, per: '1s', maxWait })],
  ['rateLimiter.perKey', [...INVALID_OBJECTS, null], (perKey) => rateLimiter({ limit: 1, per: '1s', perKey })],
  [
    'rateLimiter.perKey.maxKeys',
    [...INVALID_COUNTS, 0],
    (maxKeys) => rateLimiter({ limit: 1, per: '1s', perKey: { maxKeys } }),
  ],
  ['rateLimiter.perKey.max', [1], (max) => rateLimiter({ limit: 1, per: '1s', perKey: { max } as never })],
  ['rateLimiter.name', INVALID_NAMES, (name) => rateLimiter({ limit: 1, per: '1s', name })],
  ['rateLimiter.rate', [1], (rate) => rateLimiter({ limit: 1, per: '1s', rate } as never)],
  ['rateLimiter', [...INVALID_OBJECTS, undefined, null], (options) => rateLimiter(options)],
  [
    'adaptiveThrottle.k',
    [Number.NaN, -1, 0.99, Number.POSITIVE_INFINITY, '2', {}, true, 5n],
    (k) => adaptiveThrottle({ k }),
  ],
  ['adaptiveThrottle.window', [...INVALID_DURATIONS, 0], (window) => adaptiveThrottle({ window })],
  ['adaptiveThrottle.name', INVALID_NAMES, (name) => adaptiveThrottle({ name })],
  ['adaptiveThrottle.ratio', [1], (ratio) => adaptiveThrottle({ ratio } as never)],
  ['adaptiveThrottle', [...INVALID_OBJECTS, null], (options) => adaptiveThrottle(options)],
  ['fallback.when', INVALID_FUNCTIONS, (when) => fallback(null, { when })],
  ['fallback.name', INVALID_NAMES, (name) => fallback(null, { name })],
  ['fallback.if', [1], (value) => fallback(null, { if: value } as never)],
  ['cache.ttl', [...INVALID_DURATIONS, undefined, null, 0], (ttl) => cache({ ttl })],
  ['cache.staleWhileRevalidate', INVALID_DURATIONS, (staleWhileRevalidate) => cache({ ttl: 1, staleWhileRevalidate })],
  ['cache.staleIfError', INVALID_DURATIONS, (staleIfError) => cache({ ttl: 1, staleIfError })],
  ['cache.maxEntries', [...INVALID_COUNTS, 0], (maxEntries) => cache({ ttl: 1, maxEntries })],
  ['cache.name', INVALID_NAMES, (name) => cache({ ttl: 1, name })],
  ['cache.max', [1], (max) => cache({ ttl: 1, max } as never)],
  ['cache', [...INVALID_OBJECTS, undefined, null], (options) => cache(options)],
  ['coalesce.name', INVALID_NAMES, (name) => coalesce({ name })],
  ['coalesce.key', ['k'], (key) => coalesce({ key } as never)],
  ['coalesce', INVALID_OBJECTS, (options) => coalesce(options)],
  ['standardShield', INVALID_OBJECTS, (options) => standardShield('s', options)],
  ['standardShield.timeout', ['1s'], (value) => standardShield('s', { timeout: value } as never)],
  ['bulkhead.limit', [0], (limit) => standardShield('s', { bulkhead: { limit } })],
  ['timeout.after', [Number.NaN], (totalTimeout) => standardShield('s', { totalTimeout })],
]

function backoffFactory(): void {}

test.each(cases.flatMap(([path, values, make]) => values.map((value) => [path, value, make] as const)))(
  '%s rejects %s with an error that names the path',
  (path, value, make) => {
    let error: unknown
    try {
      make(value as never)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error).toMatchObject({ path, code: 'INVALID_OPTION' })
    expect((error as Error).message.startsWith(`${path}: `)).toBe(true)
  },
)

test('accepts the smallest and the largest valid values', () => {
  expect(() => {
    retry({ maxRetries: 0, backoff: constant(0), maxTotal: 0, retryAfter: { max: 0 } })
    retry({ maxRetries: Number.MAX_SAFE_INTEGER, backoff: constant(Number.MAX_VALUE), retryAfter: false })
    circuitBreaker({ openFor: 1, halfOpen: { probes: 10_000, closeAt: Number.MIN_VALUE, lease: 1 } })
    circuitBreaker({ openFor: { base: 1, factor: 1, max: 1 } })
    timeout(Number.MIN_VALUE)
    timeout(Number.MAX_VALUE)
    bulkhead({ limit: 1, queue: 0, maxWait: 0 })
    bulkhead({ limit: Number.MAX_SAFE_INTEGER, queue: Number.MAX_SAFE_INTEGER, order: 'lifo' })
    bulkhead({ limit: 1, order: 'priority', perKey: {} })
    bulkhead({ limit: 1, order: 'fifo', perKey: { maxKeys: 1 } })
    rateLimiter({ limit: 1, per: Number.MIN_VALUE, burst: 1, maxWait: 0, perKey: { maxKeys: 1 } })
    rateLimiter({ limit: Number.MAX_SAFE_INTEGER, per: '24h', maxWait: Number.MAX_VALUE, perKey: {} })
    rateLimiter({ limit: 1_000_000, per: '1h', algorithm: 'slidingWindow' })
    adaptiveThrottle({ k: 1, window: 1 })
    adaptiveThrottle({ k: Number.MAX_VALUE, window: Number.MAX_VALUE })
    fallback(undefined)
    cache({ ttl: 0, staleIfError: 1 })
    cache({ ttl: Number.MAX_VALUE, staleWhileRevalidate: Number.MAX_VALUE, maxEntries: Number.MAX_SAFE_INTEGER })
  }).not.toThrow()
})
