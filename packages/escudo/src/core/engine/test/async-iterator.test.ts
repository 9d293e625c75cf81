import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import {
  type AnyPolicy,
  adaptiveLimiter,
  bulkhead,
  cache,
  circuitBreaker,
  coalesce,
  consecutive,
  definePolicy,
  explain,
  failureRate,
  fallback,
  hedge,
  isRefusal,
  retry,
  type Shield,
  shield,
  timeout,
} from '../../../index.ts'

const shielded = (...policies: AnyPolicy[]): Shield => shield('s', ...(policies as never[])) as unknown as Shield

/** An async iterator that counts how often it is returned. */
function iterator(onReturn: () => unknown = async () => ({ done: true, value: undefined })) {
  const seen = { returned: 0 }
  const iterable = {
    [Symbol.asyncIterator]: () => iterable,
    next: async () => ({ done: true, value: undefined }),
    return: () => {
      seen.returned += 1
      return onReturn()
    },
  }
  return { iterable, seen }
}

async function* rows(): AsyncGenerator<number> {
  yield 1
}

const customPolicy = (): AnyPolicy =>
  definePolicy({ name: 'custom', wrap: (next) => async (call, operation) => await next(call, operation) })

describe('an operation that returns an async iterator', () => {
  test.each<[string, () => unknown]>([
    ['a generator', () => rows()],
    ['a promise of a generator', async () => rows()],
    ['an object with `next` and Symbol.asyncIterator', () => iterator().iterable],
    ['the iterator of a stream', () => Readable.from([1])[Symbol.asyncIterator]()],
    ['the iterator of a web stream', () => new Blob(['x']).stream().values()],
  ])('is refused with a TypeError that says what to do: %s', async (_what, operation) => {
    const answer = shielded(bulkhead({ limit: 1 })).run(operation)
    const error = await answer.catch((reason: TypeError) => reason)
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ name: 'TypeError' })
    expect((error as TypeError).message).toMatch(
      /^shield 's': the operation returned an async iterator, .* consume it inside/,
    )
    expect([isRefusal(error), explain(error)?.shield]).toEqual([false, 's'])
  })

  test('is refused in a shield without policies, with a deadline, and when wrapped', async () => {
    await expect(shielded().run(rows)).rejects.toThrow('async iterator')
    await expect(shielded().run(rows, { deadline: '1s' })).rejects.toThrow('async iterator')
    await expect(shielded(timeout('1s')).wrap(rows)()).rejects.toThrow('async iterator')
    await expect(shielded(customPolicy(), customPolicy()).run(rows)).rejects.toThrow('async iterator')
  })

  test('is returned, and a rejection or a throw of `return` is handled', async () => {
    for (const onReturn of [undefined, () => Promise.reject(new Error('late')), () => expect.fail('thrown'), () => 5]) {
      const { iterable, seen } = iterator(onReturn)
      await expect(shielded(timeout('1s')).run(async () => iterable)).rejects.toThrow('async iterator')
      await setImmediate()
      expect(seen.returned).toBe(1)
    }
  })

  test.each<[string, AnyPolicy[], string]>([
    ['a breaker', [circuitBreaker({ trip: consecutive(1) })], 'circuitBreaker'],
    [
      'a breaker with a classifier',
      [circuitBreaker({ trip: consecutive(1), classify: () => 'failure' })],
      'circuitBreaker',
    ],
  ])('counts neither as a failure nor as a success of %s', async (_what, policies) => {
    const breaker = policies[0] as ReturnType<typeof circuitBreaker>
    const s = shielded(breaker)
    const outcomes: unknown[] = []
    s.on('executed', ({ outcome }) => outcomes.push(outcome))
    await expect(s.run(rows)).rejects.toThrow('async iterator')
    await expect(s.run(async () => rows())).rejects.toThrow('async iterator')
    expect([breaker.state, outcomes]).toEqual(['closed', ['ignored', 'ignored']])
    expect(s.status().policies[0]).toMatchObject({ failures: 0, calls: 0 })
  })

  test('is not retried, not hedged, and hidden by no fallback', async () => {
    const classify = (): 'failure' => 'failure'
    for (const policies of [
      [fallback('substitute')],
      [fallback('substitute', { when: () => true })],
      [retry({ classify })],
      [hedge({ after: 0 })],
      [cache({ ttl: '1s', staleIfError: '1h' })],
      [coalesce()],
    ]) {
      let calls = 0
      const operation = (): AsyncGenerator => {
        calls += 1
        return rows()
      }
      await expect(shielded(...policies).run(operation, { key: 'k' })).rejects.toThrow('async iterator')
      await setImmediate()
      expect(calls).toBe(1)
    }
  })

  test('releases every permit', async () => {
    const s = shielded(bulkhead({ limit: 2 }), customPolicy(), adaptiveLimiter(), bulkhead({ limit: 2, name: 'inner' }))
    for (let call = 0; call < 10; call += 1) await s.run(rows).catch(() => {})
    expect(s.status().policies).toMatchObject([{ inUse: 0 }, {}, { inFlight: 0 }, { inUse: 0 }])
  })

  test('closes no half-open circuit', async () => {
    const breaker = circuitBreaker({ trip: failureRate({ minimumCalls: 1 }), openFor: 1 })
    const s = shielded(breaker)
    await s.run(() => Promise.reject(new Error('down'))).catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 5))
    await expect(s.run(rows)).rejects.toThrow('async iterator')
    expect(breaker.state).toBe('half-open')
  })
})

describe('an operation may return', () => {
  test.each<[string, () => unknown]>([
    ['a Response', () => new Response('x')],
    ['a web stream', () => new Blob(['x']).stream()],
    ['a Node stream', () => Readable.from([1])],
    ['an iterable without `next`', () => ({ [Symbol.asyncIterator]: rows })],
    ['a sync iterator', () => [1].values()],
    ['a list node with `next`', () => ({ next: () => {} })],
    [
      'a proxy that throws on reading',
      () => new Proxy({}, { get: (_, key) => (key === 'then' ? undefined : JSON.parse('no json')) }),
    ],
  ])('%s', async (_what, operation) => {
    const value = operation()
    expect((await shielded(timeout('1s')).run(() => value)) === value).toBe(true)
    expect((await shielded().run(() => value)) === value).toBe(true)
  })
})
