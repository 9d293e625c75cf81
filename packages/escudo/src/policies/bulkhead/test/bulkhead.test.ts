import { getEventListeners } from 'node:events'
import { types } from 'node:util'
import { describe, expect, test } from 'vitest'
import { BulkheadFullError, bulkhead, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { setUp } from './setup.ts'

describe('bulkhead', () => {
  test('lets the limit through, queues up to its bound, refuses the rest at once', async () => {
    const { clock, call, started, status } = setUp({ limit: 2, queue: 1 })
    void call('a')
    void call('b')
    void call('c')
    expect(await call('d')).toBe('BULKHEAD_FULL')
    expect([started, status()]).toEqual([['a', 'b'], { inUse: 2, queued: 1 }])
    expect(clock.pending).toBe(0)
  })

  test('has no queue unless told', async () => {
    const { call } = setUp({ limit: 1 })
    void call('a')
    expect(await call('b')).toBe('BULKHEAD_FULL')
  })

  test('serves the queue in the order in which they came', async () => {
    const { call, end, started, status } = setUp({ limit: 1, queue: 3 })
    const calls = ['a', 'b', 'c', 'd'].map((name) => call(name))
    for (const name of ['a', 'b', 'c', 'd']) await end(name)
    await Promise.all(calls)
    expect([started, status()]).toEqual([['a', 'b', 'c', 'd'], { inUse: 0, queued: 0 }])
  })

  test('a freed slot is handed to the head of the queue, a newcomer cannot take it', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, bulkhead({ limit: 1, queue: 2 }))
    const order: string[] = []
    let end: () => void = () => {}
    const first = s.run(() => new Promise<void>((resolve) => (end = resolve)))
    const waiter = s.run(() => order.push('waiter'))
    // The newcomer comes as soon as anybody can know that the first is done, in the very same run of microtasks.
    const newcomer = first.then(() => s.run(() => order.push('newcomer')))
    end()
    await Promise.all([waiter, newcomer])
    expect(order).toEqual(['waiter', 'newcomer'])
  })

  test('a slot freed while newcomers come in every microtask goes to those who waited, in order', async () => {
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

  test('an aborted waiter leaves the queue at once, with its reason, and its place in it is free', async () => {
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

  test('a waiter that is aborted anywhere between the hand-over and its run passes the slot on: no slot is lost', async () => {
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
      // Either b ran, is deaf, and holds its slot; or c has it.
      expect(started[1]).toBe(started.includes('b') ? 'b' : 'c')
      expect(status()).toEqual({ inUse: 1, queued: started.includes('b') ? 1 : 0 })
      passedOn.push(!started.includes('b'))
    }
    expect([passedOn[0], passedOn.at(-1)]).toEqual([true, false])
  })

  test('waiting longer than maxWait is BulkheadFullError, and the place in the queue is free', async () => {
    const { clock, call, started, status } = setUp({ limit: 1, queue: 1, maxWait: '1s' })
    void call('a')
    const waiter = call('b')
    await clock.advance(999)
    expect(status()).toEqual({ inUse: 1, queued: 1 })
    await clock.advance(1)
    expect(await waiter).toBe('BULKHEAD_FULL')
    expect([started, status(), clock.pending]).toEqual([['a'], { inUse: 1, queued: 0 }, 0])
  })

  test('a waiter that is served in time leaves no timer behind, nor one that is aborted', async () => {
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

  test('the end of the wait and the freed slot in one tick have one outcome, and no slot is lost', async () => {
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

  test('a failed call, a synchronous throw and an abort each give the slot back once', async () => {
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

  test('the permit is held until the operation settles: a timeout outside does not free the slot of work that runs', async () => {
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

  test('bulkhead outside of a timeout frees the slot at the timeout, because the timeout settles first', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, bulkhead({ limit: 1 }), timeout('1s'))
    const call = s.run(() => new Promise(() => {})).catch((error) => error.code)
    await clock.advance('1s')
    expect(await call).toBe('TIMEOUT')
    expect(await s.run(() => 'free')).toBe('free')
  })

  test('a timeout outside takes a waiter out of the queue at the timeout', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, timeout('1s'), bulkhead({ limit: 1, queue: 5 }))
    const calls = [1, 2, 3].map(() => s.run(() => new Promise(() => {})).catch((error) => error.code))
    await clock.advance('1s')
    expect(await Promise.all(calls)).toEqual(['TIMEOUT', 'TIMEOUT', 'TIMEOUT'])
    expect(s.status().policies[1]).toMatchObject({ inUse: 1, queued: 0 })
    expect(clock.pending).toBe(0)
  })

  test('a refusal is a real error that says how full it is, and is told as rejected', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, bulkhead({ limit: 1, name: 'five' }))
    const heard: unknown[] = []
    s.on('rejected', (event) => heard.push(event))
    void s.run(() => new Promise(() => {}))
    const error = await s.run(() => 1).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(BulkheadFullError)
    expect(types.isNativeError(error)).toBe(true)
    expect(error.message).toContain('1 at work')
    expect(heard).toEqual([{ shield: 's', policy: 'five', code: 'BULKHEAD_FULL', retryAfterMs: undefined }])
  })

  test('one bulkhead in two shields is one set of places', async () => {
    const clock = virtualClock()
    const places = bulkhead({ limit: 1 })
    const [one, other] = [shield({ name: 'one', clock }, places), shield({ name: 'other', clock }, places)]
    void one.run(() => new Promise(() => {}))
    await expect(other.run(() => 1)).rejects.toMatchObject({ code: 'BULKHEAD_FULL', shield: 'other' })
  })

  test('two bulkheads keep their dependencies apart: a full one takes nothing from the other', async () => {
    const clock = virtualClock()
    const [a, b] = ['a', 'b'].map((name) => shield({ name, clock }, bulkhead({ limit: 5, queue: 5 })))
    const full = Array.from({ length: 40 }, () => b?.run(() => new Promise(() => {})).catch((error) => error.code))
    await clock.advance(0)
    expect(b?.status().policies[0]).toMatchObject({ inUse: 5, queued: 5 })
    expect(await a?.run(() => 'fine')).toBe('fine')
    expect((await Promise.all(full.slice(10))).every((code) => code === 'BULKHEAD_FULL')).toBe(true)
  })

  test('a reentrant call waits or is refused as any other, and frees what it had', async () => {
    const { s } = setUp({ limit: 1 })
    const outer = s.run(async () => await s.run(() => 'inner').catch((error) => error.code))
    expect(await outer).toBe('BULKHEAD_FULL')
    expect(await s.run(() => 'after')).toBe('after')
  })
})
