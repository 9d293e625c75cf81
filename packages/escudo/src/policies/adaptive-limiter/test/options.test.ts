import { describe, expect, test } from 'vitest'
import {
  type AdaptiveLimiterOptions,
  adaptiveLimiter,
  aimd,
  ConfigurationError,
  gradient2,
  vegas,
} from '../../../index.ts'

describe('the options of an adaptive limiter', () => {
  test('warns about an inner retry, because its delays would count as latency', () => {
    const limiter = adaptiveLimiter()
    const facts = (type: string) => ({ name: type, type, settings: {} })
    expect(limiter.check?.([facts('timeout'), facts('circuitBreaker')])).toEqual([])
    expect(limiter.check?.([facts('timeout'), facts('retry')])).toMatchObject([{ level: 'warning' }])
  })

  test('by default the limit starts at 20, between 1 and 1000, or at the nearest bound', () => {
    const limitOf = (options?: AdaptiveLimiterOptions): unknown => adaptiveLimiter(options).status?.(0)['limit']
    expect(limitOf()).toBe(20)
    expect(limitOf({ max: 5 })).toBe(5)
    expect(limitOf({ min: 50 })).toBe(50)
    expect(limitOf({ min: 5_000 })).toBe(5_000)
    expect(limitOf({ min: 3, max: 9, initial: 7 })).toBe(7)
    expect(adaptiveLimiter().settings).toEqual({ min: 1, max: 1_000, initial: 20 })
  })
})

const COUNTS = [Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY, '5', {}, true, null]
const cases: [string, readonly unknown[], (value: never) => unknown][] = [
  ['adaptiveLimiter.algorithm', ['aimd', aimd, {}, 5], (algorithm) => adaptiveLimiter({ algorithm })],
  ['adaptiveLimiter.min', [...COUNTS.slice(0, -1), 0], (min) => adaptiveLimiter({ min })],
  ['adaptiveLimiter.max', [...COUNTS.slice(0, -1), 4], (max) => adaptiveLimiter({ min: 5, max })],
  [
    'adaptiveLimiter.initial',
    [...COUNTS.slice(0, -1), 4, 11],
    (initial) => adaptiveLimiter({ min: 5, max: 10, initial }),
  ],
  ['adaptiveLimiter.name', ['', 5], (name) => adaptiveLimiter({ name })],
  ['adaptiveLimiter.limit', [5], (limit) => adaptiveLimiter({ limit } as never)],
  ['adaptiveLimiter', ['2s', 5, [], null], (options) => adaptiveLimiter(options)],
  ['aimd', [undefined, null, '2s'], (options) => aimd(options)],
  [
    'aimd.timeout',
    [undefined, 0, -1, Number.NaN, Number.POSITIVE_INFINITY, 'soon'],
    (value) => aimd({ timeout: value }),
  ],
  ['aimd.backoffRatio', [0.49, 1, Number.NaN, '0.9'], (backoffRatio) => aimd({ timeout: 1, backoffRatio })],
  ['aimd.smoothing', [1], (smoothing) => aimd({ timeout: 1, smoothing } as never)],
  ['vegas', [null, '2s', 5], (options) => vegas(options)],
  ['vegas.smoothing', [0, -1, 1.1, Number.NaN, '1'], (smoothing) => vegas({ smoothing })],
  ['vegas.alpha', [3], (alpha) => vegas({ alpha } as never)],
  ['gradient2', [null, '2s', 5], (options) => gradient2(options)],
  ['gradient2.rttTolerance', [0.99, 101, Number.NaN, '1.5'], (rttTolerance) => gradient2({ rttTolerance })],
  ['gradient2.queueSize', [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY], (queueSize) => gradient2({ queueSize })],
  ['gradient2.smoothing', [0, 1.1, Number.NaN], (smoothing) => gradient2({ smoothing })],
  ['gradient2.longWindow', [600], (longWindow) => gradient2({ longWindow } as never)],
]

test.each(cases.flatMap(([path, values, make]) => values.map((value) => [path, value, make] as const)))(
  '%s rejects %s with a ConfigurationError that names the path',
  (path, value, make) => {
    let error: unknown
    try {
      make(value as never)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error).toMatchObject({ path })
  },
)
