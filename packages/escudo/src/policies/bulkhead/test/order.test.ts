import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { bulkhead, definePolicy, explain, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { setUp } from './setup.ts'

describe('a bulkhead with order lifo', () => {
  test('serves the newest waiting call first', async () => {
    const { call, end, started } = setUp({ limit: 1, queue: 3, order: 'lifo' })
    const calls = ['a', 'b', 'c', 'd'].map((name) => call(name))
    for (const name of ['a', 'd', 'c', 'b']) await end(name)
    await Promise.all(calls)
    expect(started).toEqual(['a', 'd', 'c', 'b'])
  })

  test('rejects a new call when the queue is full, whatever its priority', async () => {
    const { call, status } = setUp({ limit: 1, queue: 1, order: 'lifo' })
    void call('a')
    void call('b')
    expect(await call('c', { priority: 9 })).toBe('BULKHEAD_FULL')
    expect(status()).toEqual({ inUse: 1, queued: 1 })
  })
})

describe('a bulkhead with order fifo', () => {
  test('ignores priorities, also with a full queue', async () => {
    const { call, end, started } = setUp({ limit: 1, queue: 2 })
    const calls = [call('a'), call('b', { priority: 1 }), call('c', { priority: 2 })]
    expect(await call('d', { priority: 3 })).toBe('BULKHEAD_FULL')
    for (const name of ['a', 'b', 'c']) await end(name)
    await Promise.all(calls)
    expect(started).toEqual(['a', 'b', 'c'])
  })
})

describe('a bulkhead with order priority', () => {
  test('serves the highest priority first, the oldest among equals; the default is 0', async () => {
    const { call, end, started } = setUp({ limit: 1, queue: 10, order: 'priority' })
    void call('first')
    for (const [name, priority] of [
      ['none', undefined],
      ['low', -1],
      ['high', 5],
      ['zero', 0],
      ['high too', 5],
      ['highest', Number.POSITIVE_INFINITY],
      ['fraction', 0.5],
      ['minus zero', -0],
    ] as const) {
      void call(name, { priority })
    }
    const expected = ['first', 'highest', 'high', 'high too', 'fraction', 'none', 'zero', 'minus zero', 'low']
    for (const name of expected) await end(name)
    expect(started).toEqual(expected)
  })

  test('displaces the newest call with the lowest priority when the queue is full', async () => {
    const { call, end, started, status, clock } = setUp({ limit: 1, queue: 3, order: 'priority', maxWait: '1h' })
    void call('first')
    const low = call('low')
    const low2 = call('low 2')
    void call('middle', { priority: 1 })
    const high = call('high', { priority: 2 })
    expect(await low2).toBe('BULKHEAD_FULL')
    expect(status()).toEqual({ inUse: 1, queued: 3 })
    const high2 = call('high 2', { priority: 2 })
    expect(await low).toBe('BULKHEAD_FULL')
    // Calls of equal priority do not displace each other.
    expect(await call('low 3')).toBe('BULKHEAD_FULL')
    expect(await call('middle 2', { priority: 1 })).toBe('BULKHEAD_FULL')
    for (const name of ['first', 'high', 'high 2', 'middle']) await end(name)
    expect([await high, await high2, started]).toEqual(['high', 'high 2', ['first', 'high', 'high 2', 'middle']])
    expect([status(), clock.pending]).toEqual([{ inUse: 0, queued: 0 }, 0])
  })

  test('displaces no running call, nor one that got its permit in the same tick', async () => {
    const { call, end, fail, started, clock } = setUp({ limit: 1, queue: 1, order: 'priority' })
    const first = call('first')
    const low = call('low')
    fail('first', 'down')
    await undefined
    await undefined
    const high = call('high', { priority: 1 })
    await clock.advance(0)
    expect([await first, started]).toEqual(['down', ['first', 'low']])
    await end('low')
    await end('high')
    expect([await low, await high]).toEqual(['low', 'high'])
  })

  test('rejects a displaced call like any other, and leaves nothing of it behind', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, bulkhead({ limit: 1, queue: 1, order: 'priority', maxWait: '1h' }))
    const events: unknown[] = []
    s.on('rejected', (event) => {
      events.push(event)
      throw new Error('a listener')
    })
    const controller = new AbortController()
    void s.run(() => new Promise(() => {}))
    const displaced = s.run(() => 1, { signal: controller.signal, deadline: '1h' }).catch((error) => error)
    void s.run(() => 1, { priority: 1 })
    const error = await displaced
    expect(error).toMatchObject({ code: 'BULKHEAD_FULL', message: expect.stringContaining('higher priority') })
    expect(events).toEqual([{ shield: 's', policy: 'bulkhead', code: 'BULKHEAD_FULL', retryAfterMs: undefined }])
    expect(explain(error)?.policies).toEqual([
      { name: 'bulkhead', type: 'bulkhead', state: 'full', inUse: 1, limit: 1, queued: 1, queueLimit: 1 },
    ])
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    // The timer of the call with the higher priority, and none of the displaced call.
    expect(clock.pending).toBe(1)
  })

  test('a call that an outer policy aborts displaces no other call and gets its reason', async () => {
    const clock = virtualClock()
    const controller = new AbortController()
    const aborts = definePolicy({
      name: 'aborts',
      wrap: (next) => (call, operation) => {
        if (call.priority === 1) controller.abort('gone')
        return next(call, operation)
      },
    })
    const s = shield({ name: 's', clock }, aborts, bulkhead({ limit: 1, queue: 1, order: 'priority' }))
    const events: unknown[] = []
    s.on('rejected', (event) => events.push(event))
    let end: () => void = () => {}
    void s.run(() => new Promise<void>((resolve) => (end = resolve)))
    const low = s.run(() => 'low')
    const high = s.run(() => 'high', { signal: controller.signal, priority: 1 }).catch((reason) => reason)
    expect(await high).toBe('gone')
    end()
    expect([await low, events]).toEqual(['low', []])
  })

  test('removes an aborted call from the queue immediately', async () => {
    const { call, end, started, status } = setUp({ limit: 1, queue: 2, order: 'priority' })
    const controller = new AbortController()
    void call('a')
    const aborted = call('b', { signal: controller.signal, priority: 1 })
    void call('c')
    controller.abort('gone')
    expect(status()).toEqual({ inUse: 1, queued: 1 })
    void call('d', { priority: 2 })
    expect(await aborted).toBe('gone')
    for (const name of ['a', 'd', 'c']) await end(name)
    expect([started, status()]).toEqual([['a', 'd', 'c'], { inUse: 0, queued: 0 }])
  })
})

describe.each(['fifo', 'lifo', 'priority'] as const)('a bulkhead with order %s', (order) => {
  test('leaves nothing behind of 100 000 calls that run, wait, abort or are displaced', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, bulkhead({ limit: 10, queue: 30_000, maxWait: '1m', order }))
    const controllers = [new AbortController(), new AbortController()]
    const outcomes = new Map<unknown, number>()
    const count = (outcome: unknown): void => void outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    const ends: (() => void)[] = []
    const calls = Array.from({ length: 100_000 }, (_, n) =>
      s
        .run(() => new Promise<string>((resolve) => ends.push(() => resolve('ran'))), {
          signal: controllers[n % 5]?.signal,
          priority: (n * 7) % 11,
        })
        .then(count, (error) => count(error?.code ?? error)),
    )
    controllers[0]?.abort('gone')
    for (let n = 0; n < 100; n += 1) {
      for (const end of ends.splice(0)) end()
      await clock.advance(1)
    }
    await clock.advance('1m')
    for (const end of ends.splice(0)) end()
    await Promise.all(calls)
    expect([...outcomes.keys()].sort()).toEqual(['BULKHEAD_FULL', 'gone', 'ran'])
    expect([...outcomes.values()].reduce((sum, n) => sum + n, 0)).toBe(100_000)
    expect(s.status().policies[0]).toMatchObject({ inUse: 0, queued: 0 })
    expect(clock.pending).toBe(0)
    for (const { signal } of controllers) expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test.each(['succeeds', 'fails'])(
    'holds the permit of an aborted call until its operation %s, then serves the next',
    async (how) => {
      const clock = virtualClock()
      const s = shield({ name: 's', clock }, bulkhead({ limit: 1, queue: 3, order }))
      const started: string[] = []
      let free: () => void = () => {}
      const controller = new AbortController()
      const work = new Promise<void>((resolve, reject) => {
        free = () => (how === 'succeeds' ? resolve() : reject('late'))
      })
      const aborted = s.run(() => work, { signal: controller.signal }).catch((reason) => reason)
      for (const [n, priority] of [1, 2, 1].entries()) void s.run(() => started.push(`${n}`), { priority })
      controller.abort('gone')
      expect(await aborted).toBe('gone')
      await clock.advance('1h')
      expect(started).toEqual([])
      free()
      await clock.advance(0)
      expect(started.join('')).toBe({ fifo: '012', lifo: '210', priority: '102' }[order])
    },
  )
})
