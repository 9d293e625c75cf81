import { expect, test } from 'vitest'
import { RateLimitedError, standardShield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'

const typesOf = (options?: Parameters<typeof standardShield>[1]): string[] =>
  standardShield('s', options)
    .status()
    .policies.map(({ type }) => type)

const REST = ['timeout', 'retry', 'circuitBreaker', 'timeout']

test('has a rate limiter or bulkhead (1000), total timeout, retry, breaker, attempt timeout', () => {
  expect(typesOf()).toEqual(['bulkhead', ...REST])
  expect(standardShield('s').status().policies[0]).toMatchObject({ limit: 1000, queueLimit: 0 })
  expect(typesOf({ rateLimiter: { limit: 5, per: '1s' } })).toEqual(['rateLimiter', ...REST])
  expect(typesOf({ rateLimiter: { limit: 5, per: '1s' }, bulkhead: { limit: 2 } })).toEqual([
    'rateLimiter',
    'bulkhead',
    ...REST,
  ])
})

test('the rate limiter limits calls', async () => {
  const clock = virtualClock()
  const s = standardShield({ name: 's', clock }, { rateLimiter: { limit: 1, per: '1s' } })
  expect(await s.run(() => 1)).toBe(1)
  await expect(s.run(() => 2)).rejects.toBeInstanceOf(RateLimitedError)
  await clock.advance('1s')
  expect(await s.run(() => 3)).toBe(3)
})

test('each policy can be configured; an invalid option is an error with its path', () => {
  expect(() => standardShield('s', { attemptTimeout: '1m' })).toThrow(/^timeout\.after/)
  expect(() => standardShield('s', { rateLimiter: { limit: 0, per: '1s' } })).toThrow(/^rateLimiter\.limit/)
  expect(() => standardShield('s', { bulkheads: {} } as never)).toThrow(/^standardShield\.bulkheads/)
})
