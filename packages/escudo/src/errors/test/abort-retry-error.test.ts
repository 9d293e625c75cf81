import { describe, expect, test } from 'vitest'
import {
  AbortRetryError,
  CircuitOpenError,
  circuitBreaker,
  consecutive,
  constant,
  fallback,
  hedge,
  retry,
  shield,
} from '../../index.ts'
import { createErrorContract, defineErrors } from '../index.ts'

const Errors = defineErrors({ STOCK_LOW: { status: 409, message: 'not enough left' } })

/** An operation that throws, and how often it was called. */
function throwing(error: unknown) {
  const counted = { calls: 0, operation: (): never => fail() }
  const fail = (): never => {
    counted.calls += 1
    throw error
  }
  return counted
}

describe('AbortRetryError', () => {
  test('ends a retry, also the one of a shield around this one, and a hedge', async () => {
    const counted = throwing(new AbortRetryError(new Error('gone')))
    const inner = shield('inner', retry({ backoff: constant(1) }), hedge({ after: 1 }))
    const outer = shield('outer', retry({ backoff: constant(1) }))
    await expect(outer.run(() => inner.run(counted.operation))).rejects.toBeInstanceOf(AbortRetryError)
    expect(counted.calls).toBe(1)
  })

  test('wins over a classifier that counts it as a failure', async () => {
    const counted = throwing(new AbortRetryError('gone'))
    const s = shield('s', retry({ backoff: constant(1), classify: () => 'failure' }))
    await s.run(counted.operation).catch(() => {})
    expect(counted.calls).toBe(1)
  })

  test('has the message of its cause, and the cause', () => {
    const cause = new Error('gone')
    expect(new AbortRetryError(cause)).toMatchObject({ name: 'AbortRetryError', message: 'gone', cause })
  })

  test.each([
    [undefined],
    ['text'],
    [null],
    [Object.assign(new Error(), { message: Object.create(null) })],
    [Object.create(null)],
    [new Proxy({}, { get: () => JSON.parse('') })],
  ])('accepts any cause: case %#', (cause) => {
    expect(new AbortRetryError(cause).cause).toBe(cause)
  })

  test('is judged by other policies as its cause: a failure, or a business error', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1) })
    const s = shield('s', fallback(0), breaker)
    const business = throwing(new AbortRetryError(new Errors.STOCK_LOW()))
    await expect(s.run(business.operation)).rejects.toBeInstanceOf(AbortRetryError)
    expect(breaker.state).toBe('closed')
    expect(await s.run(throwing(new AbortRetryError(new Error('gone'))).operation)).toBe(0)
    expect(breaker.state).toBe('open')
  })

  test('keeps the Retry-After of its cause for the open period', async () => {
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '1s' })
    const s = shield('s', breaker)
    const cause = Object.assign(new Error('busy'), { retryAfterMs: 30_000 })
    await s.run(throwing(new AbortRetryError(cause)).operation).catch(() => {})
    const refusal = await s.run(() => 1).catch((error) => error)
    expect(refusal.retryAfterMs).toBeGreaterThan(20_000)
  })

  test('ends the retries of a refusal that would end soon', async () => {
    const refusal = new CircuitOpenError({ shield: 's', policy: 'p', stacks: false }, 1)
    const counted = throwing(new AbortRetryError(refusal))
    await shield('s', retry({ backoff: constant(5) }))
      .run(counted.operation)
      .catch(() => {})
    expect(counted.calls).toBe(1)
  })

  test('that is its own cause is answered, and so is a value that cannot be inspected', () => {
    const contract = createErrorContract({ service: 'shop', errors: Errors })
    const own = new AbortRetryError('gone')
    Object.defineProperty(own, 'cause', { value: own })
    const { proxy, revoke } = Proxy.revocable(new Error('gone'), {})
    revoke()
    const types = [own, proxy].map((error) => contract.translate(error, { traceId: 'a' }).log['error_type'])
    expect(types).toEqual(['AbortRetryError', 'object'])
  })

  test('is answered as its cause, also inside another one', () => {
    const contract = createErrorContract({ service: 'shop', errors: Errors })
    const inner = new AbortRetryError(new Errors.STOCK_LOW())
    expect(contract.translate(new AbortRetryError(inner), { traceId: 'a' })).toMatchObject({ status: 409 })
  })

  test('is answered as its cause', () => {
    const contract = createErrorContract({ service: 'shop', errors: Errors })
    const answer = contract.translate(new AbortRetryError(new Errors.STOCK_LOW()), {} as never)
    expect(answer).toMatchObject({ status: 409 })
    expect(JSON.stringify(answer.body)).toContain('not enough left')
  })
})
