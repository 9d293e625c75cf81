import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { builtFromJson, InvalidPart } from '../json-builders.ts'

const OPTIONS = ['circuitBreaker.trip', 'circuitBreaker.openFor', 'retry.backoff', 'adaptiveLimiter.algorithm']
const FUNCTIONS = [
  ...['consecutive', 'failureRate', 'slowCallRate', 'anyTrip', 'constant', 'linear', 'exponential'],
  ...['aimd', 'gradient2', 'vegas', 'constructor', 'toString'],
]
const NAMES = [
  ...['threshold', 'window', 'minimumCalls', 'slowerThan', 'calls', 'base', 'step', 'factor', 'max', 'jitter'],
  ...['increase', 'decrease', 'latency', 'smoothing', 'rttTolerance', 'queueSize', 'timeout', 'backoff'],
]

describe('builtFromJson', () => {
  it.each([
    ['circuitBreaker.trip', { consecutive: 3 }, { reasons: ['3 consecutive failures'] }],
    ['circuitBreaker.trip', { failureRate: {} }, { reasons: ['failure rate of 50 %'] }],
    ['circuitBreaker.trip', { slowCallRate: { slowerThan: '1s' } }, { slowerThanMs: 1_000 }],
    ['circuitBreaker.openFor', { constant: '1s' }, { delayMs: expect.any(Function) }],
    ['retry.backoff', { linear: { base: '1s', step: '1s', max: '9s' } }, { delayMs: expect.any(Function) }],
    ['retry.backoff', { exponential: {} }, { delayMs: expect.any(Function) }],
  ])('builds %s from %j', (option, value, built) => {
    expect(builtFromJson(option, value, [])).toMatchObject(built)
  })

  it.each([
    ['circuitBreaker.openFor', { base: '1s', factor: 2, max: '9s' }],
    ['circuitBreaker.openFor', '10s'],
    ['circuitBreaker.trip', { constructor: 1 }],
    ['circuitBreaker.trip', { constant: '1s' }],
    ['circuitBreaker.trip', [{ consecutive: 3 }]],
    ['retry.trip', { consecutive: 3 }],
    ['undefined.trip', { consecutive: 3 }],
  ])('returns any other value of %s as it is: %j', (option, value) => {
    expect(builtFromJson(option, value, [])).toBe(value)
  })

  it('property: builds a value, or says where its fault is', () => {
    const part = fc.oneof(
      fc.constantFrom<unknown>('1s', 0, 1, -1, 0.5, null, '', 'full'),
      fc.jsonValue({ maxDepth: 2 }),
    )
    const argument = fc.oneof(part, fc.dictionary(fc.constantFrom(...NAMES), part), fc.array(part, { maxLength: 12 }))
    const built = fc.tuple(fc.constantFrom(...FUNCTIONS), argument).map(([name, given]) => ({ [name]: given }))
    const value = fc.oneof(
      built,
      fc.array(built, { maxLength: 3 }).map((anyTrip) => ({ anyTrip })),
    )
    fc.assert(
      fc.property(fc.constantFrom(...OPTIONS), value, (option, given) => {
        try {
          builtFromJson(option, given, ['at'])
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidPart)
          expect((error as InvalidPart).keys.slice(0, 2)).toEqual(['at', Object.keys(given)[0]])
        }
      }),
      { numRuns: 5_000 },
    )
  })
})
