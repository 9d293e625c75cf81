import { describe, expect, test } from 'vitest'
import { refusalOf, setUp } from './setup.ts'

describe('a rate limiter per key', () => {
  test('has a separate limit for each key, also `__proto__` and no key', async () => {
    const { call, status } = setUp({ limit: 1, per: '1s', perKey: {} })
    for (const key of ['a', 'b', '__proto__', 'constructor', undefined]) {
      expect([key, await call('first', { key }), await call('second', { key })]).toEqual([key, 'first', 'RATE_LIMITED'])
    }
    expect(status()).toEqual({ available: 0, keys: 5 })
  })

  test('shares one limit between all keys without perKey', async () => {
    const { call, status } = setUp({ limit: 1, per: '1s' })
    expect([await call('a', { key: 'a' }), await call('b', { key: 'b' })]).toEqual(['a', 'RATE_LIMITED'])
    expect(status()).toEqual({ available: 0 })
  })

  test('keeps at most maxKeys of a million keys', async () => {
    const { s, status } = setUp({ limit: 1, per: '1s', perKey: { maxKeys: 100 } })
    for (let n = 0; n < 1_000_000; n += 1) await s.run(() => n, { key: `key ${n}` })
    expect(status()).toEqual({ available: 1, keys: 100 })
    await refusalOf(s.run(() => 1, { key: 'key 999999' }))
  })

  test('does not evict a key with waiting calls; evicts it once none waits', async () => {
    const { clock, call, status } = setUp({ limit: 1, per: 100, maxWait: 100, perKey: { maxKeys: 2 } })
    void call('a', { key: 'waits' })
    const waiter = call('b', { key: 'waits' })
    for (let n = 0; n < 1_000; n += 1) void call('x', { key: `key ${n}` })
    expect(status()).toEqual({ available: 1, keys: 2, queued: 1 })
    expect(await call('c', { key: 'waits' })).toBe('RATE_LIMITED')
    await clock.advance(100)
    expect(await waiter).toBe('b')
    for (let n = 0; n < 2; n += 1) void call('x', { key: `key ${n}` })
    expect(await call('d', { key: 'waits' })).toBe('d')
  })

  test('serves the waiting calls of a key that it evicts because all keys have some', async () => {
    const { clock, call, status } = setUp({ limit: 1, per: 100, maxWait: 200, perKey: { maxKeys: 1 } })
    const calls = ['a', 'b', 'a'].flatMap((key, index) => [1, 2].map((n) => call(`${key}${index}${n}`, { key })))
    expect(status()).toEqual({ available: 1, keys: 1, queued: 3 })
    await clock.advance(100)
    expect(await Promise.all(calls)).toEqual(['a01', 'a02', 'b11', 'b12', 'a21', 'a22'])
    expect([status(), clock.pending]).toEqual([{ available: 1, keys: 1, queued: 0 }, 0])
  })

  test('an evicted queue that becomes empty does not affect the new queue of its key', async () => {
    const { clock, call } = setUp({ limit: 1, per: 100, maxWait: '1s', perKey: { maxKeys: 2 } })
    for (const key of ['a', 'a', 'b', 'b', 'b']) void call(key, { key })
    // Calls wait for both keys: the least recently used one is evicted.
    void call('c', { key: 'c' })
    await clock.advance(50)
    for (let n = 0; n < 2; n += 1) void call('a', { key: 'a' })
    // The waiting call of the evicted queue has run. Calls still wait in the new queue of its key and for b.
    await clock.advance(60)
    void call('d', { key: 'd' })
    let ran = false
    const third = call('a', { key: 'a' }).then(() => {
      ran = true
    })
    await clock.advance(0)
    expect(ran).toBe(false)
    await clock.advance('1s')
    await third
  })

  test('creates no key when the status is read', () => {
    const { status } = setUp({ limit: 7, per: '1s', perKey: {} })
    expect([status(), status()]).toEqual(Array.from({ length: 2 }, () => ({ available: 7, keys: 0 })))
  })
})
