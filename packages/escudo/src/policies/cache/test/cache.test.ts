import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { cache, type Operation, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { DOWN, deferred, fail, NOT_FOUND, setUp } from './setup.ts'

describe('within ttl', () => {
  test('returns the stored value without running the operation, and runs it again at ttl', async () => {
    const { clock, run, status } = setUp({ ttl: '1s' })
    const operation = vi.fn(async () => 'value')
    expect(await run(operation)).toBe('value')
    await clock.advance(999)
    expect(await run(operation)).toBe('value')
    expect(operation).toHaveBeenCalledTimes(1)
    await clock.advance(1)
    await run(operation)
    expect(operation).toHaveBeenCalledTimes(2)
    expect(status()).toEqual({ entries: 1, hits: 1, stale: 0, misses: 2 })
    expect(clock.pending).toBe(0)
  })

  test('counts ttl from when the value was stored, not from the call', async () => {
    const { clock, run } = setUp({ ttl: '1s' })
    const slow = run(() => new Promise((resolve) => clock.setTimer(() => resolve('slow'), 5_000)))
    await clock.advance('5s')
    expect(await slow).toBe('slow')
    await clock.advance(999)
    expect(await run(() => 'new')).toBe('slow')
  })

  test.each([undefined, null, 0, '', false, Number.NaN])('stores %s as a value', async (value) => {
    const { run } = setUp({ ttl: '1s' })
    const operation = vi.fn(() => value)
    expect([await run(operation), await run(operation)]).toEqual([value, value])
    expect(operation).toHaveBeenCalledTimes(1)
  })

  test('stores one value per key, also for `__proto__` and the empty string', async () => {
    const { run, status } = setUp({ ttl: '1s' })
    for (const key of ['a', '__proto__', '', 'constructor']) expect(await run(() => `of ${key}`, key)).toBe(`of ${key}`)
    for (const key of ['a', '__proto__', '', 'constructor']) expect(await run(fail, key)).toBe(`of ${key}`)
    expect(status()).toMatchObject({ entries: 4 })
  })

  test.each<[string, Operation<unknown>]>([
    ['a rejection', fail],
    [
      'a synchronous throw',
      () => {
        throw DOWN
      },
    ],
    [
      'a throw of undefined',
      () => {
        throw undefined
      },
    ],
    ['a business error', () => Promise.reject(NOT_FOUND)],
    ['a thenable that rejects', () => ({ then: (_: unknown, reject: (error: unknown) => void) => reject(DOWN) })],
  ])('never stores a failure: %s', async (_name, operation) => {
    const { run, status } = setUp({ ttl: '1s', staleWhileRevalidate: '1s', staleIfError: '1s' })
    expect(await run(operation)).toMatch(/^error/)
    expect(status()).toMatchObject({ entries: 0, misses: 1 })
    expect(await run(() => 'value')).toBe('value')
  })

  test('stores what a thenable resolves to, not the thenable', async () => {
    const { run } = setUp({ ttl: '1s' })
    await run(() => ({ then: (resolve: (value: string) => void) => resolve('value') }) as never)
    expect(await run(fail)).toBe('value')
  })

  test('evicts the least recently used key beyond maxEntries, also with a million keys', async () => {
    const { run, status } = setUp({ ttl: '1h', maxEntries: 2 })
    await run(() => 1, 'a')
    await run(() => 2, 'b')
    await run(() => 0, 'a')
    await run(() => 3, 'c')
    expect([await run(() => 'again', 'a'), await run(() => 'again', 'b')]).toEqual([1, 'again'])
    const many = setUp({ ttl: '1h', maxEntries: 10 })
    for (let n = 0; n < 1_000_000; n += 1) await many.s.run(() => n, { key: `key ${n}` })
    expect([many.status(), status()]).toMatchObject([{ entries: 10, misses: 1_000_000 }, { entries: 2 }])
  }, 30_000)
})

describe('concurrent misses of the same key', () => {
  test('each run; the value of the run that started last is stored', async () => {
    const { run } = setUp({ ttl: '1s' })
    const { operation, calls } = deferred()
    const [first, second] = [run(operation), run(operation)]
    expect(operation).toHaveBeenCalledTimes(2)
    calls[1]?.resolve('new')
    expect(await second).toBe('new')
    calls[0]?.resolve('old')
    expect([await first, await run(fail)]).toEqual(['old', 'new'])
  })

  test('a call inside the operation for the same key runs normally', async () => {
    const { run } = setUp({ ttl: '1s' })
    expect(await run(async () => `outer of ${await run(() => 'inner')}`)).toBe('outer of inner')
    // The inner call started later.
    expect(await run(fail)).toBe('inner')
  })
})

describe('a cancelled call', () => {
  test('stores nothing, even if its operation returns a value', async () => {
    const { clock, run } = setUp({ ttl: '1s' })
    const controller = new AbortController()
    const call = run(
      ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve('partial'))),
      'k',
      {
        signal: controller.signal,
      },
    )
    controller.abort(new Error('gone'))
    expect(await call).toBe('error: gone')
    await clock.advance(0)
    expect(await run(() => 'whole')).toBe('whole')
  })
})

describe('delete and clear', () => {
  test('delete returns whether there was a value, and the next call runs', async () => {
    const { values, run } = setUp({ ttl: '1h' })
    await run(() => 'old')
    expect([values.delete('other'), values.delete('k'), values.delete('k')]).toEqual([false, true, false])
    expect(await run(() => 'new')).toBe('new')
    await run(() => 'b', 'b')
    values.clear()
    expect([await run(() => 'newer'), await run(() => 'newer', 'b')]).toEqual(['newer', 'newer'])
  })

  test('a call in flight returns its value, which is not stored', async () => {
    for (const method of ['delete', 'clear'] as const) {
      const { values, run } = setUp({ ttl: '1h' })
      const { operation, calls } = deferred()
      const call = run(operation)
      values[method]('k')
      calls[0]?.resolve('read before the change')
      expect([await call, await run(() => 'after it')]).toEqual(['read before the change', 'after it'])
    }
  })
})

test('a cache in two shields shares its values', async () => {
  const clock = virtualClock()
  const values = cache({ ttl: '1s' })
  const [first, second] = [shield({ name: 'first', clock }, values), shield({ name: 'second', clock }, values)]
  await first.run(() => 'value', { key: 'k' })
  expect(await second.run(fail, { key: 'k' })).toBe('value')
})

test('keeps no listener, no timer and at most maxEntries values after 10⁵ calls', async () => {
  const { clock, s, status } = setUp({ ttl: 1, staleWhileRevalidate: 1, staleIfError: 1, maxEntries: 10 })
  const { signal } = new AbortController()
  for (let n = 0; n < 100_000; n += 1) {
    const call = s.run(() => (n % 3 === 0 ? fail() : n), { key: `key ${n % 50}`, signal, deadline: '1h' })
    await call.catch(() => {})
    if (n % 1_000 === 0) await clock.advance(1)
  }
  await clock.advance(0)
  expect([getEventListeners(signal, 'abort'), clock.pending, status()]).toMatchObject([[], 0, { entries: 10 }])
}, 60_000)

test('ignores jumps of the wall clock, and counts the time of a blocked event loop', async () => {
  vi.useFakeTimers({ now: 0, toFake: ['Date'] })
  const { clock, run } = setUp({ ttl: '1s' })
  await run(() => 'old')
  vi.setSystemTime(3_600_000)
  expect(await run(fail)).toBe('old')
  vi.setSystemTime(-3_600_000)
  expect(await run(fail)).toBe('old')
  await clock.advance('30s')
  expect(await run(() => 'new')).toBe('new')
  vi.useRealTimers()
})
