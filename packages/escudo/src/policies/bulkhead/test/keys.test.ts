import { describe, expect, test } from 'vitest'
import { bulkhead, explain, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { setUp } from './setup.ts'

describe('a bulkhead per key', () => {
  test('has separate permits and a separate queue for each key, also `__proto__` and no key', async () => {
    const { call, status } = setUp({ limit: 1, queue: 1, perKey: {} })
    for (const key of ['a', 'b', '__proto__', 'constructor', '', undefined]) {
      void call('runs', { key })
      void call('waits', { key })
      expect([key, await call('rejected', { key })]).toEqual([key, 'BULKHEAD_FULL'])
    }
    expect(status()).toEqual({ inUse: 1, queued: 1, keys: 6 })
  })

  test('hands a released permit to the next call of the same key', async () => {
    const { call, end, started } = setUp({ limit: 1, queue: 2, perKey: {} })
    for (const name of ['a1', 'b1', 'b2', 'a2']) void call(name, { key: name[0] as string })
    await end('a1')
    expect(started).toEqual(['a1', 'b1', 'a2'])
    await end('b1')
    expect(started).toEqual(['a1', 'b1', 'a2', 'b2'])
  })

  test('shares its permits between all keys without perKey', async () => {
    const { call, status } = setUp({ limit: 1 })
    void call('a', { key: 'a' })
    expect(await call('b', { key: 'b' })).toBe('BULKHEAD_FULL')
    expect(status()).toEqual({ inUse: 1, queued: 0 })
  })

  test('reports the status of calls without a key and the number of keys; creates no key', async () => {
    const { call, status } = setUp({ limit: 2, perKey: {} })
    expect([status(), status()]).toEqual(Array.from({ length: 2 }, () => ({ inUse: 0, queued: 0, keys: 0 })))
    void call('a', { key: 'a' })
    expect(status()).toEqual({ inUse: 0, queued: 0, keys: 1 })
    void call('no key')
    expect(status()).toEqual({ inUse: 1, queued: 0, keys: 2 })
  })

  test("explain() reports the permits of the rejected call's key", async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, bulkhead({ limit: 2, queue: 1, perKey: {} }))
    const hang = () => new Promise(() => {})
    for (let n = 0; n < 3; n += 1) void s.run(hang, { key: 'a' })
    void s.run(hang)
    const error = await s.run(hang, { key: 'a' }).catch((thrown) => thrown)
    expect(explain(error)?.policies).toEqual([
      { name: 'bulkhead', type: 'bulkhead', state: 'full', inUse: 2, limit: 2, queued: 1, queueLimit: 1 },
    ])
  })

  test('keeps at most maxKeys of a million keys', async () => {
    const { s, status } = setUp({ limit: 1, perKey: { maxKeys: 100 } })
    for (let n = 0; n < 1_000_000; n += 1) void s.run(() => n, { key: `key ${n}` })
    expect(status()).toEqual({ inUse: 0, queued: 0, keys: 100 })
  })

  test('does not evict a key with permits in use; evicts it once its permits are released', async () => {
    const { call, end, s, status } = setUp({ limit: 1, perKey: { maxKeys: 2 } })
    void call('runs', { key: 'busy' })
    for (let n = 0; n < 1_000; n += 1) await s.run(() => n, { key: `key ${n}` })
    expect(await call('rejected', { key: 'busy' })).toBe('BULKHEAD_FULL')
    await end('runs')
    for (let n = 0; n < 2; n += 1) await s.run(() => n, { key: `key ${n}` })
    expect(status()).toMatchObject({ keys: 2 })
    void call('runs again', { key: 'busy' })
    expect(await call('rejected', { key: 'busy' })).toBe('BULKHEAD_FULL')
  })

  test('evicts the least recently used key if all are in use; its calls continue', async () => {
    const { call, end, started, status, clock } = setUp({ limit: 1, queue: 1, maxWait: '1h', perKey: { maxKeys: 1 } })
    const calls = ['a1', 'a2', 'b1', 'a3', 'a4'].map((name) => call(name, { key: name[0] as string }))
    // The state of key a is a new one, and it is full as well.
    expect([started, await call('a5', { key: 'a' })]).toEqual([['a1', 'b1', 'a3'], 'BULKHEAD_FULL'])
    await end('a1')
    expect(started).toEqual(['a1', 'b1', 'a3', 'a2'])
    await end('a2')
    // The evicted state has no permits in use any more; the new state of the same key still has.
    expect(await call('a6', { key: 'a' })).toBe('BULKHEAD_FULL')
    for (const name of ['b1', 'a3', 'a4']) await end(name)
    expect(await Promise.all(calls)).toEqual(['a1', 'a2', 'b1', 'a3', 'a4'])
    expect([status(), clock.pending]).toEqual([{ inUse: 0, queued: 0, keys: 1 }, 0])
  })

  test('keeps a key in use while its operation still runs after a timeout', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, timeout('1s'), bulkhead({ limit: 1, perKey: { maxKeys: 2 } }))
    let end: (value?: unknown) => void = () => {}
    const timedOut = s.run(() => new Promise((resolve) => (end = resolve)), { key: 'a' }).catch((error) => error.code)
    await clock.advance('1s')
    expect(await timedOut).toBe('TIMEOUT')
    for (let n = 0; n < 10; n += 1) await s.run(() => n, { key: `key ${n}` })
    await expect(s.run(() => 1, { key: 'a' })).rejects.toMatchObject({ code: 'BULKHEAD_FULL' })
    end()
    await clock.advance(0)
    expect(await s.run(() => 'free', { key: 'a' })).toBe('free')
  })

  test('releases the permit of the key once after each kind of outcome', async () => {
    const { s, call, status } = setUp({ limit: 1, perKey: {} })
    for (let n = 0; n < 3; n += 1) {
      await s.run(() => Promise.reject('down'), { key: 'a' }).catch(() => {})
      const thrown = () => {
        throw undefined
      }
      await s.run(thrown, { key: 'a' }).catch(() => {})
      const inner = () => s.run(() => 'inner', { key: 'a' }).catch((error) => error.code)
      expect(await s.run(inner, { key: 'a' })).toBe('BULKHEAD_FULL')
    }
    const controller = new AbortController()
    const aborted = call('a', { key: 'a', signal: controller.signal })
    controller.abort('gone')
    expect(await aborted).toBe('gone')
    // The operation ignores its signal and still runs.
    await expect(s.run(() => 1, { key: 'a' })).rejects.toMatchObject({ code: 'BULKHEAD_FULL' })
    expect(status()).toEqual({ inUse: 0, queued: 0, keys: 1 })
  })

  test('compares priorities within a key', async () => {
    const { call, end, started } = setUp({ limit: 1, queue: 5, order: 'priority', perKey: {} })
    for (const [name, priority] of [
      ['a1', 0],
      ['b1', 0],
      ['a2', 1],
      ['a3', 2],
      ['b2', 0],
      ['b3', 9],
    ] as const) {
      void call(name, { key: name[0] as string, priority })
    }
    for (const name of ['a1', 'b1', 'a3', 'b3']) await end(name)
    expect(started).toEqual(['a1', 'b1', 'a3', 'b3', 'a2', 'b2'])
  })
})
