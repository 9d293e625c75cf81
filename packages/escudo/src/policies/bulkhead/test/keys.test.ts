import { describe, expect, test } from 'vitest'
import { bulkhead, explain, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { setUp } from './setup.ts'

describe('a bulkhead per key', () => {
  test('gives each key places and a queue of its own, __proto__ and no key included', async () => {
    const { call, status } = setUp({ limit: 1, queue: 1, perKey: {} })
    for (const key of ['a', 'b', '__proto__', 'constructor', '', undefined]) {
      void call('at work', { key })
      void call('waits', { key })
      expect([key, await call('refused', { key })]).toEqual([key, 'BULKHEAD_FULL'])
    }
    expect(status()).toEqual({ inUse: 1, queued: 1, keys: 6 })
  })

  test('a freed slot goes to the next of the same key', async () => {
    const { call, end, started } = setUp({ limit: 1, queue: 2, perKey: {} })
    for (const name of ['a1', 'b1', 'b2', 'a2']) void call(name, { key: name[0] as string })
    await end('a1')
    expect(started).toEqual(['a1', 'b1', 'a2'])
    await end('b1')
    expect(started).toEqual(['a1', 'b1', 'a2', 'b2'])
  })

  test('without perKey all keys share the places', async () => {
    const { call, status } = setUp({ limit: 1 })
    void call('a', { key: 'a' })
    expect(await call('b', { key: 'b' })).toBe('BULKHEAD_FULL')
    expect(status()).toEqual({ inUse: 1, queued: 0 })
  })

  test('the status is that of a call without key, with the number of keys; looking makes none', async () => {
    const { call, status } = setUp({ limit: 2, perKey: {} })
    expect([status(), status()]).toEqual(Array.from({ length: 2 }, () => ({ inUse: 0, queued: 0, keys: 0 })))
    void call('a', { key: 'a' })
    expect(status()).toEqual({ inUse: 0, queued: 0, keys: 1 })
    void call('no key')
    expect(status()).toEqual({ inUse: 1, queued: 0, keys: 2 })
  })

  test('explain tells how full the places of the key were', async () => {
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

  test('a million keys stay bounded', async () => {
    const { s, status } = setUp({ limit: 1, perKey: { maxKeys: 100 } })
    for (let n = 0; n < 1_000_000; n += 1) void s.run(() => n, { key: `key ${n}` })
    expect(status()).toEqual({ inUse: 0, queued: 0, keys: 100 })
  })

  test('a key with places in use outlives all others; when it rests it may go', async () => {
    const { call, end, s, status } = setUp({ limit: 1, perKey: { maxKeys: 2 } })
    void call('works', { key: 'busy' })
    for (let n = 0; n < 1_000; n += 1) await s.run(() => n, { key: `key ${n}` })
    expect(await call('refused', { key: 'busy' })).toBe('BULKHEAD_FULL')
    await end('works')
    for (let n = 0; n < 2; n += 1) await s.run(() => n, { key: `key ${n}` })
    expect(status()).toMatchObject({ keys: 2 })
    void call('works anew', { key: 'busy' })
    expect(await call('refused', { key: 'busy' })).toBe('BULKHEAD_FULL')
  })

  test('where all keys are in use the oldest is forgotten, and its calls give their places back to it', async () => {
    const { call, end, started, status, clock } = setUp({ limit: 1, queue: 1, maxWait: '1h', perKey: { maxKeys: 1 } })
    const calls = ['a1', 'a2', 'b1', 'a3', 'a4'].map((name) => call(name, { key: name[0] as string }))
    // A new one for the same key, full by itself.
    expect([started, await call('a5', { key: 'a' })]).toEqual([['a1', 'b1', 'a3'], 'BULKHEAD_FULL'])
    await end('a1')
    expect(started).toEqual(['a1', 'b1', 'a3', 'a2'])
    await end('a2')
    // The forgotten one is at rest; its successor still is not.
    expect(await call('a6', { key: 'a' })).toBe('BULKHEAD_FULL')
    for (const name of ['b1', 'a3', 'a4']) await end(name)
    expect(await Promise.all(calls)).toEqual(['a1', 'a2', 'b1', 'a3', 'a4'])
    expect([status(), clock.pending]).toEqual([{ inUse: 0, queued: 0, keys: 1 }, 0])
  })

  test('a key whose work goes on after its timeout is in use until that ends', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, timeout('1s'), bulkhead({ limit: 1, perKey: { maxKeys: 2 } }))
    let end: (value?: unknown) => void = () => {}
    const deaf = s.run(() => new Promise((resolve) => (end = resolve)), { key: 'a' }).catch((error) => error.code)
    await clock.advance('1s')
    expect(await deaf).toBe('TIMEOUT')
    for (let n = 0; n < 10; n += 1) await s.run(() => n, { key: `key ${n}` })
    await expect(s.run(() => 1, { key: 'a' })).rejects.toMatchObject({ code: 'BULKHEAD_FULL' })
    end()
    await clock.advance(0)
    expect(await s.run(() => 'free', { key: 'a' })).toBe('free')
  })

  test('a failure, a synchronous throw, an abort and a reentrant call each give the place of the key back once', async () => {
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
    // Deaf, and so still at work.
    await expect(s.run(() => 1, { key: 'a' })).rejects.toMatchObject({ code: 'BULKHEAD_FULL' })
    expect(status()).toEqual({ inUse: 0, queued: 0, keys: 1 })
  })

  test('priorities are compared within a key', async () => {
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
