import { getEventListeners } from 'node:events'
import { types } from 'node:util'
import { describe, expect, test } from 'vitest'
import { BulkheadFullError, bulkhead, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { setUp } from './setup.ts'

describe('bulkhead', () => {
  test('runs `limit` calls, queues `queue` more, and rejects the rest immediately', async () => {
    const { clock, call, started, status } = setUp({ limit: 2, queue: 1 })
    void call('a')
    void call('b')
    void call('c')
    expect(await call('d')).toBe('BULKHEAD_FULL')
    expect([started, status()]).toEqual([['a', 'b'], { inUse: 2, queued: 1 }])
    expect(clock.pending).toBe(0)
  })

  test('has no queue by default', async () => {
    const { call } = setUp({ limit: 1 })
    void call('a')
    expect(await call('b')).toBe('BULKHEAD_FULL')
  })

  test('serves the queue in order of arrival', async () => {
    const { call, end, started, status } = setUp({ limit: 1, queue: 3 })
    const calls = ['a', 'b', 'c', 'd'].map((name) => call(name))
    for (const name of ['a', 'b', 'c', 'd']) await end(name)
    await Promise.all(calls)
    expect([started, status()]).toEqual([['a', 'b', 'c', 'd'], { inUse: 0, queued: 0 }])
  })

  test('hands a released permit to the head of the queue; a new call cannot take it', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, bulkhead({ limit: 1, queue: 2 }))
    const order: string[] = []
    let end: () => void = () => {}
    const first = s.run(() => new Promise<void>((resolve) => (end = resolve)))
    const waiter = s.run(() => order.push('waiter'))
    // The new call comes as early as possible: in the same run of microtasks in which the first call settles.
    const newCall = first.then(() => s.run(() => order.push('new call')))
    end()
    await Promise.all([waiter, newCall])
    expect(order).toEqual(['waiter', 'new call'])
  })

  test('serves the queue in order while a new call comes in every microtask', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, bulkhead({ limit: 1, queue: 100 }))
    const order: number[] = []
    const calls: Promise<unknown>[] = []
    const enter = (number: number): void => {
      calls.push(
        s.run(async () => {
          order.push(number)
          for (let n = 0; n < number % 4; n += 1) await undefined
        }),
      )
    }
    for (let number = 0; number < 60; number += 1) {
      enter(number)
      await undefined
    }
    await Promise.all(calls)
    expect(order).toEqual(Array.from({ length: 60 }, (_, n) => n))
  })

  test('removes an aborted call from the queue immediately and rejects it with its reason', async () => {
    const { call, end, started, status } = setUp({ limit: 1, queue: 1 })
    const controller = new AbortController()
    void call('a')
    const aborted = call('b', { signal: controller.signal })
    expect(await call('c')).toBe('BULKHEAD_FULL')
    controller.abort('gone')
    expect(status()).toEqual({ inUse: 1, queued: 0 })
    const next = call('d')
    expect(await aborted).toBe('gone')
    await end('a')
    await end('d')
    await next
    expect([started, status()]).toEqual([['a', 'd'], { inUse: 0, queued: 0 }])
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  test('passes the permit on if the call is aborted anywhere between hand-over and start', async () => {
    const passedOn: boolean[] = []
    for (let microtasks = 0; microtasks < 20; microtasks += 1) {
      const { clock, call, started, status, fail } = setUp({ limit: 1, queue: 2 })
      const controller = new AbortController()
      void call('a')
      const aborted = call('b', { signal: controller.signal })
      void call('c')
      fail('a', 'failed')
      for (let n = 0; n < microtasks; n += 1) await undefined
      controller.abort('gone')
      expect(await aborted).toBe('gone')
      await clock.advance(0)
      // Either b started, ignores its signal and holds its permit; or c has the permit.
      expect(started[1]).toBe(started.includes('b') ? 'b' : 'c')
      expect(status()).toEqual({ inUse: 1, queued: started.includes('b') ? 1 : 0 })
      passedOn.push(!started.includes('b'))
    }
    expect([passedOn[0], passedOn.at(-1)]).toEqual([true, false])
  })

  test('rejects a call that waits longer than maxWait, and removes it from the queue', async () => {
    const { clock, call, started, status } = setUp({ limit: 1, queue: 1, maxWait: '1s' })
    void call('a')
    const waiter = call('b')
    await clock.advance(999)
    expect(status()).toEqual({ inUse: 1, queued: 1 })
    await clock.advance(1)
    expect(await waiter).toBe('BULKHEAD_FULL')
    expect([started, status(), clock.pending]).toEqual([['a'], { inUse: 1, queued: 0 }, 0])
  })

  test('leaves no timer behind for a call that is served in time, nor for an aborted one', async () => {
    const { clock, call, end } = setUp({ limit: 1, queue: 2, maxWait: '1h' })
    const controller = new AbortController()
    void call('a')
    const served = call('b')
    const aborted = call('c', { signal: controller.signal })
    expect(clock.pending).toBe(1)
    controller.abort('gone')
    await aborted
    await end('a')
    expect(clock.pending).toBe(0)
    await end('b')
    expect(await served).toBe('b')
  })

  test('gives one outcome and loses no permit if maxWait and a release meet in one tick', async () => {
    for (const freedFirst of [true, false]) {
      const clock = virtualClock()
      const s = shield({ name: 's', clock }, bulkhead({ limit: 1, queue: 1, maxWait: 100 }))
      let free: (value?: unknown) => void = () => {}
      if (freedFirst) clock.setTimer(() => free(), 100)
      const first = s.run(() => new Promise((resolve) => (free = resolve)))
      const waiter = s.run(() => 'ran').catch((error) => error.code)
      if (!freedFirst) clock.setTimer(() => free(), 100)
      await clock.advance(100)
      await first
      expect(await waiter).toBe(freedFirst ? 'ran' : 'BULKHEAD_FULL')
      expect(s.status().policies[0]).toMatchObject({ inUse: 0, queued: 0 })
      expect(clock.pending).toBe(0)
    }
  })

  test('releases the permit once after a rejection and after a synchronous throw', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, bulkhead({ limit: 1 }))
    for (let n = 0; n < 10; n += 1) {
      await s.run(() => Promise.reject('down')).catch(() => {})
      await s
        .run(() => {
          throw undefined
        })
        .catch(() => {})
    }
    expect(s.status().policies[0]).toMatchObject({ inUse: 0 })
    expect(await s.run(() => 'still here')).toBe('still here')
  })

  test('holds the permit until the operation settles, even after an outer timeout', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, timeout('1s'), bulkhead({ limit: 1 }))
    let end: (value?: unknown) => void = () => {}
    const call = s.run(() => new Promise((resolve) => (end = resolve))).catch((error) => error.code)
    await clock.advance('1s')
    expect(await call).toBe('TIMEOUT')
    await expect(s.run(() => 1)).rejects.toMatchObject({ code: 'BULKHEAD_FULL' })
    end()
    await clock.advance(0)
    expect(await s.run(() => 'free')).toBe('free')
  })

  test('releases the permit at an inner timeout, because the timeout settles first', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, bulkhead({ limit: 1 }), timeout('1s'))
    const call = s.run(() => new Promise(() => {})).catch((error) => error.code)
    await clock.advance('1s')
    expect(await call).toBe('TIMEOUT')
    expect(await s.run(() => 'free')).toBe('free')
  })

  test('removes a waiting call from the queue at an outer timeout', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, timeout('1s'), bulkhead({ limit: 1, queue: 5 }))
    const calls = [1, 2, 3].map(() => s.run(() => new Promise(() => {})).catch((error) => error.code))
    await clock.advance('1s')
    expect(await Promise.all(calls)).toEqual(['TIMEOUT', 'TIMEOUT', 'TIMEOUT'])
    expect(s.status().policies[1]).toMatchObject({ inUse: 1, queued: 0 })
    expect(clock.pending).toBe(0)
  })

  test('rejects with a native error that says how full it is, and emits `rejected`', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, bulkhead({ limit: 1, name: 'five' }))
    const events: unknown[] = []
    s.on('rejected', (event) => events.push(event))
    void s.run(() => new Promise(() => {}))
    const error = await s.run(() => 1).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(BulkheadFullError)
    expect(types.isNativeError(error)).toBe(true)
    expect(error.message).toContain('1 running')
    expect(events).toEqual([{ shield: 's', policy: 'five', code: 'BULKHEAD_FULL', retryAfterMs: undefined }])
  })

  test('shares its permits between two shields', async () => {
    const clock = virtualClock()
    const shared = bulkhead({ limit: 1 })
    const [first, second] = [shield({ name: 'first', clock }, shared), shield({ name: 'second', clock }, shared)]
    void first.run(() => new Promise(() => {}))
    await expect(second.run(() => 1)).rejects.toMatchObject({ code: 'BULKHEAD_FULL', shield: 'second' })
  })

  test('a full bulkhead takes nothing from another bulkhead', async () => {
    const clock = virtualClock()
    const [a, b] = ['a', 'b'].map((name) => shield({ name, clock }, bulkhead({ limit: 5, queue: 5 })))
    const full = Array.from({ length: 40 }, () => b?.run(() => new Promise(() => {})).catch((error) => error.code))
    await clock.advance(0)
    expect(b?.status().policies[0]).toMatchObject({ inUse: 5, queued: 5 })
    expect(await a?.run(() => 'fine')).toBe('fine')
    expect((await Promise.all(full.slice(10))).every((code) => code === 'BULKHEAD_FULL')).toBe(true)
  })

  test('rejects a reentrant call without a queue too, and releases its permit', async () => {
    const { s } = setUp({ limit: 1 })
    const outer = s.run(async () => await s.run(() => 'inner').catch((error) => error.code))
    expect(await outer).toBe('BULKHEAD_FULL')
    expect(await s.run(() => 'after')).toBe('after')
  })
})
