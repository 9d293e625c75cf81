import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { cache, type Operation, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { DOWN, fail, held, NOT_FOUND, setUp } from './setup.ts'

describe('within ttl', () => {
  test('a value is given out and nothing is run; at ttl it is over', async () => {
    const { clock, ask, status } = setUp({ ttl: '1s' })
    const operation = vi.fn(async () => 'value')
    expect(await ask(operation)).toBe('value')
    await clock.advance(999)
    expect(await ask(operation)).toBe('value')
    expect(operation).toHaveBeenCalledTimes(1)
    await clock.advance(1)
    await ask(operation)
    expect(operation).toHaveBeenCalledTimes(2)
    expect(status()).toEqual({ entries: 1, hits: 1, stale: 0, misses: 2 })
    expect(clock.pending).toBe(0)
  })

  test('it counts from the instant on at which the value came, and not from the call', async () => {
    const { clock, ask } = setUp({ ttl: '1s' })
    const slow = ask(() => new Promise((resolve) => clock.setTimer(() => resolve('slow'), 5_000)))
    await clock.advance('5s')
    expect(await slow).toBe('slow')
    await clock.advance(999)
    expect(await ask(() => 'new')).toBe('slow')
  })

  test.each([undefined, null, 0, '', false, Number.NaN])('%s is a value like any other', async (value) => {
    const { ask } = setUp({ ttl: '1s' })
    const operation = vi.fn(() => value)
    expect([await ask(operation), await ask(operation)]).toEqual([value, value])
    expect(operation).toHaveBeenCalledTimes(1)
  })

  test('each key has its own value, `__proto__` and the empty text included', async () => {
    const { ask, status } = setUp({ ttl: '1s' })
    for (const key of ['a', '__proto__', '', 'constructor']) expect(await ask(() => `of ${key}`, key)).toBe(`of ${key}`)
    for (const key of ['a', '__proto__', '', 'constructor']) expect(await ask(fail, key)).toBe(`of ${key}`)
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
  ])('a failure is never kept: %s', async (_name, operation) => {
    const { ask, status } = setUp({ ttl: '1s', staleWhileRevalidate: '1s', staleIfError: '1s' })
    expect(await ask(operation)).toMatch(/^error/)
    expect(status()).toMatchObject({ entries: 0, misses: 1 })
    expect(await ask(() => 'value')).toBe('value')
  })

  test('what a thenable resolves to is kept, not the thenable', async () => {
    const { ask } = setUp({ ttl: '1s' })
    await ask(() => ({ then: (resolve: (value: string) => void) => resolve('value') }) as never)
    expect(await ask(fail)).toBe('value')
  })

  test('beyond maxEntries the key that was used least recently goes, a million keys are 10', async () => {
    const { ask, status } = setUp({ ttl: '1h', maxEntries: 2 })
    await ask(() => 1, 'a')
    await ask(() => 2, 'b')
    await ask(() => 0, 'a')
    await ask(() => 3, 'c')
    expect([await ask(() => 'again', 'a'), await ask(() => 'again', 'b')]).toEqual([1, 'again'])
    const many = setUp({ ttl: '1h', maxEntries: 10 })
    for (let n = 0; n < 1_000_000; n += 1) await many.s.run(() => n, { key: `key ${n}` })
    expect([many.status(), status()]).toMatchObject([{ entries: 10, misses: 1_000_000 }, { entries: 2 }])
  }, 30_000)
})

describe('calls that miss the same key at the same time', () => {
  test('each run; what began last is kept, whichever ends first', async () => {
    const { ask } = setUp({ ttl: '1s' })
    const { operation, ends } = held()
    const [first, second] = [ask(operation), ask(operation)]
    expect(operation).toHaveBeenCalledTimes(2)
    ends[1]?.resolve('new')
    expect(await second).toBe('new')
    ends[0]?.resolve('old')
    expect([await first, await ask(fail)]).toEqual(['old', 'new'])
  })

  test('a reentrant call runs as any other', async () => {
    const { ask } = setUp({ ttl: '1s' })
    expect(await ask(async () => `outer of ${await ask(() => 'inner')}`)).toBe('outer of inner')
    // The inner call began later.
    expect(await ask(fail)).toBe('inner')
  })
})

describe('a call that is cut', () => {
  test('keeps nothing: what an operation makes of its abort is no answer', async () => {
    const { clock, ask } = setUp({ ttl: '1s' })
    const controller = new AbortController()
    const call = ask(
      ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve('partial'))),
      'k',
      {
        signal: controller.signal,
      },
    )
    controller.abort(new Error('gone'))
    expect(await call).toBe('error: gone')
    await clock.advance(0)
    expect(await ask(() => 'whole')).toBe('whole')
  })
})

describe('delete and clear', () => {
  test('delete tells whether there was a value, and the next call runs', async () => {
    const { values, ask } = setUp({ ttl: '1h' })
    await ask(() => 'old')
    expect([values.delete('other'), values.delete('k'), values.delete('k')]).toEqual([false, true, false])
    expect(await ask(() => 'new')).toBe('new')
    await ask(() => 'b', 'b')
    values.clear()
    expect([await ask(() => 'newer'), await ask(() => 'newer', 'b')]).toEqual(['newer', 'newer'])
  })

  test('what was under way then reaches its callers, and is not kept', async () => {
    for (const forget of ['delete', 'clear'] as const) {
      const { values, ask } = setUp({ ttl: '1h' })
      const { operation, ends } = held()
      const call = ask(operation)
      values[forget]('k')
      ends[0]?.resolve('read before the change')
      expect([await call, await ask(() => 'after it')]).toEqual(['read before the change', 'after it'])
    }
  })
})

test('one cache in two shields is one memory', async () => {
  const clock = virtualClock()
  const values = cache({ ttl: '1s' })
  const [one, other] = [shield({ name: 'one', clock }, values), shield({ name: 'other', clock }, values)]
  await one.run(() => 'value', { key: 'k' })
  expect(await other.run(fail, { key: 'k' })).toBe('value')
})

test('10⁵ calls with signal and deadline leave no listener, no timer and no more than the bound', async () => {
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

test('the wall clock may jump, and an event loop that was blocked finds the value old', async () => {
  vi.useFakeTimers({ now: 0, toFake: ['Date'] })
  const { clock, ask } = setUp({ ttl: '1s' })
  await ask(() => 'old')
  vi.setSystemTime(3_600_000)
  expect(await ask(fail)).toBe('old')
  vi.setSystemTime(-3_600_000)
  expect(await ask(fail)).toBe('old')
  await clock.advance('30s')
  expect(await ask(() => 'new')).toBe('new')
  vi.useRealTimers()
})
