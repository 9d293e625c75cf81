import { types } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { isRefusal } from '../../errors/classification.ts'
import { FACTS, factsOf } from '../../errors/error-facts.ts'
import { stackless } from '../../errors/stackless.ts'
import { CircuitOpenError } from '../../policies/circuit-breaker/errors.ts'
import { BulkheadFullError } from '../../policies/shared/bulkhead-full-error.ts'
import { RateLimitedError } from '../../policies/shared/rate-limited-error.ts'
import { DeadlineExceededError, PolicyError, TimeoutError } from '../errors.ts'

const ORIGIN = { shield: 'inventory', policy: 'the-policy', stacks: false }
const ALL: [string, string, number, boolean, PolicyError][] = [
  ['CircuitOpenError', 'CIRCUIT_OPEN', 503, true, new CircuitOpenError(ORIGIN, 1_500)],
  ['BulkheadFullError', 'BULKHEAD_FULL', 503, true, new BulkheadFullError(ORIGIN, '5 running, 5 queued')],
  ['RateLimitedError', 'RATE_LIMITED', 429, true, new RateLimitedError(ORIGIN, '5 calls per 1000 ms are allowed', 200)],
  ['TimeoutError', 'TIMEOUT', 504, false, new TimeoutError(ORIGIN, 2_000)],
  ['DeadlineExceededError', 'DEADLINE_EXCEEDED', 503, false, new DeadlineExceededError(ORIGIN, 5_000)],
]

const limit = Error.stackTraceLimit
afterEach(() => {
  Object.defineProperty(Error, 'stackTraceLimit', {
    value: limit,
    writable: true,
    configurable: true,
    enumerable: true,
  })
})

describe.each(ALL)('%s', (name, code, status, refusal, error) => {
  test('is a native Error with shield, policy and code', () => {
    expect(types.isNativeError(error)).toBe(true)
    expect(error).toBeInstanceOf(PolicyError)
    expect(error).toMatchObject({ name, code, shield: 'inventory', policy: 'the-policy' })
    expect(error.message).toContain('inventory')
    // A deadline belongs to the call, not to a policy.
    if (!(error instanceof DeadlineExceededError)) expect(error.message).toContain('the-policy')
  })

  test('is technical, has the right status, and is a refusal only if it should be', () => {
    expect(factsOf(error)).toMatchObject({ code, status, kind: 'technical' })
    expect(isRefusal(error)).toBe(refusal)
  })

  test('becomes JSON with its fields and without a stack', () => {
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({ shield: 'inventory', policy: 'the-policy', code })
    expect(JSON.stringify(error)).not.toContain('.ts:')
  })
})

test('isRefusal() accepts a refusal of another copy of the library', () => {
  const refusal = Object.assign(new Error('open'), {
    [Symbol.for('escudo.error')]: { code: 'CIRCUIT_OPEN', status: 503, kind: 'technical', refusal: true },
  })
  expect(isRefusal(refusal)).toBe(true)
  expect(FACTS).toBe(Symbol.for('escudo.error'))
})

test.each([
  undefined,
  null,
  'CIRCUIT_OPEN',
  5,
  {},
  new Error('x'),
  { code: 'CIRCUIT_OPEN' },
  { [FACTS]: { refusal: true } },
])('isRefusal() is false for %s', (error) => {
  expect(isRefusal(error)).toBe(false)
})

test.each(['code', 'kind', 'retry', 'verdict', 'refusal'])('a getter of the fact %s that throws: no facts', (name) => {
  const facts = { code: 'X', status: 500, kind: 'technical' }
  const getter = {
    get: () => {
      throw new Error('a getter')
    },
  }
  const error = Object.assign(new Error('down'), { [FACTS]: Object.defineProperty(facts, name, getter) })
  expect(factsOf(error)).toBeUndefined()
  expect(isRefusal(error)).toBe(false)
})

describe('stackless', () => {
  const stackOf = (error: Error): string => error.stack ?? ''

  test('creates an error without a stack, and restores the limit', () => {
    Error.stackTraceLimit = 7
    const error = stackless(() => new CircuitOpenError(ORIGIN, 1))
    expect(stackOf(error)).not.toContain('\n    at ')
    expect(stackOf(error)).toContain('CircuitOpenError')
    expect(Error.stackTraceLimit).toBe(7)
    expect(stackOf(new Error('after'))).toContain('\n    at ')
  })

  test('restores the limit if creating the error throws', () => {
    expect(() =>
      stackless(() => {
        throw new RangeError('no error today')
      }),
    ).toThrow(RangeError)
    expect(Error.stackTraceLimit).toBe(limit)
  })

  test('creates an error with a stack if the runtime has no limit', () => {
    Reflect.deleteProperty(Error, 'stackTraceLimit')
    expect(stackless(() => new Error('plain')).message).toBe('plain')
    expect('stackTraceLimit' in Error).toBe(false)
  })

  test('creates an error with a stack if the limit cannot be changed', () => {
    Object.defineProperty(Error, 'stackTraceLimit', { value: 10, writable: false, configurable: true })
    expect(stackless(() => new CircuitOpenError(ORIGIN, 1)).code).toBe('CIRCUIT_OPEN')
  })
})
