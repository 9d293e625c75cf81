import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import {
  type BulkheadOptions,
  bulkhead,
  cache,
  circuitBreaker,
  consecutive,
  constant,
  definePolicy,
  explain,
  hedge,
  isRefusal,
  retry,
  shield,
  timeout,
} from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { setUp } from './setup.ts'

const create = (options: BulkheadOptions = { limit: 1, queue: 10 }) => {
  const clock = virtualClock()
  const policy = bulkhead(options)
  return { clock, policy, s: shield({ name: 'db', clock }, policy) }
}
const messageOf = (error: Error): string => error.message
const ITSELF = /^'db' is full: a call waits for itself.*\(limit 1\).*separate bulkhead/
const ms = (clock: { setTimer(fire: () => void, delayMs: number): unknown }, delayMs: number): Promise<void> =>
  new Promise((resolve) => void clock.setTimer(resolve, delayMs))

describe('a call inside the call that holds the last permit', () => {
  test('is rejected at once, and the message says that it waits for itself', async () => {
    const { s } = create()
    const events: unknown[] = []
    s.on('rejected', ({ code }) => events.push(code))
    const error = await s.run(() => s.run(() => 'not called').catch((thrown) => thrown))
    expect(error.message).toMatch(ITSELF)
    expect([error.code, isRefusal(error), events]).toEqual(['BULKHEAD_FULL', true, ['BULKHEAD_FULL']])
    expect(explain(error)?.policies[0]).toMatchObject({ state: 'full', inUse: 1, queued: 0 })
    expect(s.status().policies[0]).toMatchObject({ inUse: 0, queued: 0 })
    expect(await s.run(() => 'after')).toBe('after')
  })

  test.each([
    ['awaited', (call: () => Promise<unknown>) => call()],
    ['in Promise.all', (call: () => Promise<unknown>) => Promise.all([call(), call()])],
    ['in a microtask', (call: () => Promise<unknown>) => new Promise((go) => queueMicrotask(() => go(call())))],
    ['in a timer', (call: () => Promise<unknown>) => new Promise((go) => void setTimeout(() => go(call()), 1))],
    ['in setImmediate', (call: () => Promise<unknown>) => new Promise((go) => void setImmediate(() => go(call())))],
    [
      'in a listener',
      (call: () => Promise<unknown>) => {
        const emitter = new EventEmitter()
        const answer = new Promise((go) => emitter.on('ask', () => go(call())))
        emitter.emit('ask')
        return answer
      },
    ],
    [
      'in an async iterator',
      async (call: () => Promise<unknown>) => {
        const values: unknown[] = []
        for await (const value of (async function* () {
          yield await call()
        })()) {
          values.push(value)
        }
        return values
      },
    ],
  ])('is found if it is %s', async (_how, start) => {
    const { s } = create()
    const wrapped = s.wrap(async () => 'not called')
    await expect(s.run(() => start(wrapped))).rejects.toThrow(ITSELF)
    expect(s.status().policies[0]).toMatchObject({ inUse: 0, queued: 0 })
  })

  test.each([
    ['maxWait', { maxWait: '1h' }, {}],
    ['no queue', { queue: 0 }, {}],
    ['LIFO', { order: 'lifo' }, {}],
    ['a higher priority', { order: 'priority' }, { priority: 9 }],
    ['a key', { perKey: {} }, { key: 'a' }],
  ] as const)('is rejected at once with %s', async (_name, options, runOptions) => {
    const { clock, s } = create({ limit: 1, queue: 10, ...options })
    const outer = s.run(() => s.run(() => 'not called', runOptions).catch(messageOf), runOptions)
    expect(await outer).toMatch(ITSELF)
    expect(clock.pending).toBe(0)
  })

  test('displaces no waiting call', async () => {
    const { clock, s } = create({ limit: 1, queue: 1, order: 'priority' })
    let waiting: Promise<unknown> = Promise.resolve()
    const outer = s.run(async () => {
      await ms(clock, 10)
      return await s.run(() => 'not called', { priority: 9 }).catch(messageOf)
    })
    waiting = s.run(() => 'served', { priority: 1 })
    await clock.advance(10)
    expect([await outer, await waiting]).toEqual([expect.stringMatching(ITSELF), 'served'])
  })

  test('gets a permit if one is free by then', async () => {
    const { clock, s } = create({ limit: 2, queue: 10 })
    const other = s.run(() => ms(clock, 10))
    const outer = s.run(async () => {
      const early = await s.run(() => 'not called').catch(() => 'refused')
      await ms(clock, 20)
      return [early, await s.run(() => 'inner')]
    })
    await clock.advance(20)
    await other
    expect(await outer).toEqual(['refused', 'inner'])
  })

  test('for another key, another bulkhead, or outside the call goes through or queues', async () => {
    const { clock, s } = create({ limit: 1, queue: 10, perKey: {} })
    const other = shield({ name: 'other', clock }, bulkhead({ limit: 1 }))
    const outer = s.run(
      async () => [await s.run(() => 'key b', { key: 'b' }), await other.run(() => 'other'), await ms(clock, 5)],
      { key: 'a' },
    )
    const queued = s.run(() => 'queued', { key: 'a' })
    await clock.advance(5)
    expect([await outer, await queued]).toEqual([['key b', 'other', undefined], 'queued'])
  })

  test('is found through another shield with the same bulkhead', async () => {
    const { clock, s, policy } = create()
    const second = shield({ name: 'db', clock }, policy)
    await expect(s.run(() => second.run(() => 'not called'))).rejects.toThrow(ITSELF)
  })

  test('is found through another bulkhead between the two calls', async () => {
    const { clock, s } = create()
    const other = shield({ name: 'other', clock }, bulkhead({ limit: 1, queue: 10 }))
    await expect(s.run(() => other.run(() => s.run(() => 'not called')))).rejects.toThrow(ITSELF)
    await expect(other.run(() => s.run(() => other.run(() => 'not called')))).rejects.toThrow(/waits for itself/)
  })

  test('made by a custom policy inside the bulkhead is found', async () => {
    const { clock, policy, s } = create()
    const login = definePolicy({
      name: 'login',
      wrap: (next) => async (call, operation) => {
        await s.run(() => 'token')
        return await next(call, operation)
      },
    })
    await expect(shield({ name: 'db', clock }, policy, login).run(() => 1)).rejects.toThrow(ITSELF)
  })

  test('is found after the permit was handed over from the queue', async () => {
    const { clock, s } = create()
    const first = s.run(() => ms(clock, 10))
    const second = s.run(() => s.run(() => 'not called')).catch(messageOf)
    const third = s.run(() => 'third')
    await clock.advance(10)
    expect([await first, await second, await third]).toEqual([undefined, expect.stringMatching(ITSELF), 'third'])
  })

  test('is found while the operation runs on after a timeout, and queues once it has ended', async () => {
    const clock = virtualClock()
    const limiter = bulkhead({ limit: 1, queue: 10 })
    const s = shield({ name: 'db', clock }, timeout('1s'), limiter)
    let inside: unknown
    const outer = s.run(async () => {
      await ms(clock, 2_000)
      inside = await s.run(() => 'not called').catch(messageOf)
    })
    outer.catch(() => {})
    await clock.advance('2s')
    expect(inside).toMatch(ITSELF)
    expect(await s.run(() => 'after')).toBe('after')
  })
})

describe('a call after the permit was released waits like any other', () => {
  test('in a retry outside the bulkhead', async () => {
    const clock = virtualClock()
    const limiter = bulkhead({ limit: 1, queue: 10 })
    const s = shield({ name: 'db', clock }, retry({ maxRetries: 1, backoff: constant(10) }), limiter)
    const plain = shield({ name: 'plain', clock }, limiter)
    let attempts = 0
    const call = s.run(() => {
      attempts += 1
      if (attempts === 1) throw new Error('down')
      return 'second attempt'
    })
    const between = clock.advance(5).then(() => plain.run(() => ms(clock, 100)))
    await clock.advance(200)
    await between
    expect(await call).toBe('second attempt')
  })

  test('in work that the operation starts and does not wait for', async () => {
    const { clock, s } = create()
    let detached: Promise<unknown> = Promise.resolve()
    await s.run(() => {
      detached = ms(clock, 5).then(() => s.run(() => 'detached'))
    })
    const other = s.run(() => ms(clock, 10))
    await clock.advance(10)
    expect([await other, await detached]).toEqual([undefined, 'detached'])
  })

  test('in the background refresh of a cache inside the bulkhead', async () => {
    const clock = virtualClock()
    const limiter = bulkhead({ limit: 1, queue: 10 })
    const inner = shield({ name: 'inner', clock }, limiter)
    const s = shield({ name: 'db', clock }, limiter, cache<string>({ ttl: 10, staleWhileRevalidate: '1h' }))
    const load = () => s.run(async () => `${await inner.run(async () => 'fresh').catch(messageOf)}`, { key: 'k' })
    await s.run(() => 'old', { key: 'k' })
    await clock.advance(20)
    expect(await load()).toBe('old')
    await clock.advance(0)
    expect(await load()).toBe('fresh')
  })

  test('in a loser of a hedge that still runs', async () => {
    const clock = virtualClock()
    const limiter = bulkhead({ limit: 1, queue: 10 })
    const inner = shield({ name: 'inner', clock }, limiter)
    const s = shield({ name: 'db', clock }, limiter, hedge({ after: 10 }))
    let loser: Promise<unknown> = Promise.resolve()
    let attempts = 0
    const call = s.run(() => {
      attempts += 1
      if (attempts > 1) return 'hedge'
      loser = ms(clock, 50).then(() => inner.run(() => 'loser'))
      return loser
    })
    await clock.advance(10)
    expect(await call).toBe('hedge')
    const other = inner.run(() => ms(clock, 100))
    await clock.advance(200)
    expect([await other, await loser]).toEqual([undefined, 'loser'])
  })
})

describe('calls inside calls', () => {
  test('with two permits all end: the older one waits for the newer one', async () => {
    const { clock, s } = create({ limit: 2, queue: 10 })
    const nest = (name: string) =>
      s.run(async () => {
        await ms(clock, 1)
        return await s.run(() => name).catch(() => `${name} refused`)
      })
    const outcomes = Promise.all([nest('first'), nest('second')])
    await clock.advance(1)
    expect(await outcomes).toEqual(['first', 'second refused'])
    expect(s.status().policies[0]).toMatchObject({ inUse: 0, queued: 0 })
  })

  test('that wait for each other through two bulkheads end with maxWait', async () => {
    const clock = virtualClock()
    const [x, y] = ['x', 'y'].map((name) => shield({ name, clock }, bulkhead({ limit: 1, queue: 1, maxWait: '1s' })))
    const cross = (outer: typeof x, inner: typeof x) =>
      outer?.run(async () => {
        await ms(clock, 1)
        return await inner?.run(() => 'inner')
      })
    const outcomes = Promise.allSettled([cross(x, y), cross(y, x)])
    await clock.advance('2s')
    expect((await outcomes).map(({ status }) => status)).toContain('rejected')
  })

  test('that ride on a probe get their own permit', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s' })
    const s = shield({ name: 'db', clock }, breaker, bulkhead({ limit: 2, queue: 10 }))
    await s.run(() => Promise.reject(new Error('down'))).catch(() => {})
    await clock.advance('10s')
    expect([await s.run(() => s.run(() => 'inner')), breaker.state]).toEqual(['inner', 'closed'])
  })
})

test('the asynchronous context is touched only by the last permit and by a call without one', async () => {
  const { call, end } = setUp({ limit: 2, queue: 1 })
  const run = vi.spyOn(AsyncLocalStorage.prototype, 'run')
  const get = vi.spyOn(AsyncLocalStorage.prototype, 'getStore')
  const counts = () => [run.mock.calls.length, get.mock.calls.length > 0]
  try {
    for (const name of ['a', 'b', 'c']) {
      void call(name)
      await end(name)
    }
    expect(counts()).toEqual([0, false])
    void call('a')
    void call('last')
    expect(counts()).toEqual([1, true])
    get.mockClear()
    void call('queued')
    expect(counts()).toEqual([1, true])
  } finally {
    run.mockRestore()
    get.mockRestore()
  }
})
