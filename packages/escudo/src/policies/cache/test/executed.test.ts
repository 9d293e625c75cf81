import { expect, test } from 'vitest'
import { DOWN, fail, NOT_FOUND, setUp } from './setup.ts'

// The event `executed` of a cache, which metrics count: one for each call, as in the status.

test('is miss, hit or stale, with the number of runs that the call waited for', async () => {
  const { clock, s, run, status } = setUp({ ttl: 10, staleWhileRevalidate: 10, staleIfError: 1_000 })
  const executed: string[] = []
  s.on('executed', ({ policy, policyType, outcome, attempts }) => {
    executed.push(`${policy} ${policyType} ${outcome} ${attempts}`)
  })
  await run(fail)
  await run(() => 1)
  await run(() => 2)
  await clock.advance(15)
  await run(() => 3)
  await clock.advance(100)
  await run(fail)
  await run(() => Promise.reject(NOT_FOUND))
  await run(() => Promise.reject(DOWN))
  expect(executed).toEqual([
    'cache cache miss 1',
    'cache cache miss 1',
    'cache cache hit 0',
    'cache cache stale 0',
    'cache cache stale 1',
    'cache cache miss 1',
    'cache cache miss 1',
  ])
  expect(status()).toMatchObject({ hits: 1, stale: 2, misses: 4 })
})

test('is not emitted for a call without a key', async () => {
  const { s } = setUp({ ttl: 10 })
  const executed: unknown[] = []
  s.on('executed', (event) => executed.push(event))
  await expect(s.run(() => 1, { key: undefined } as never)).rejects.toThrow(TypeError)
  expect(executed).toEqual([])
})
