import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { type CacheStore, cache, coalesce, retry, type StoredValue, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { NOT_FOUND } from './setup.ts'

type Stored = StoredValue<unknown>

/** A store in a map, whose methods a test may replace. */
function mapStore(replaced: Partial<CacheStore> = {}) {
  const map = new Map<string, Stored>()
  const store: CacheStore = {
    get: (key) => map.get(key),
    set: (key, stored) => void map.set(key, stored),
    delete: (key) => void map.delete(key),
    ...replaced,
  }
  return { map, store }
}

function setUp(store: CacheStore, options: Partial<Parameters<typeof cache>[0]> = {}, clock = virtualClock()) {
  const values = cache({ ttl: '1m', store, ...options })
  const s = shield({ name: 's', clock }, values)
  const failures: unknown[] = []
  s.on('cacheStoreFailed', ({ key, action, error }) => void failures.push([key, action, (error as Error).message]))
  let calls = 0
  const run = async (): Promise<unknown> => {
    const answer = s.run(() => (calls += 1), { key: 'k' })
    await clock.advance('250ms')
    return await answer
  }
  return { clock, values, s, failures, run }
}

const hang = (): Promise<never> => new Promise(() => {})
const fail = (): never => {
  throw new Error('store down')
}

describe('a cache with a store', () => {
  test.each([
    ['synchronous', mapStore],
    [
      'asynchronous',
      () => {
        const { map, store } = mapStore()
        const slow: CacheStore = {
          get: async (key) => await setImmediate(map.get(key)),
          set: async (key, stored) => void map.set(key, await setImmediate(stored)),
          delete: async (key) => void (await setImmediate(map.delete(key))),
        }
        return { map, store: { ...store, ...slow } }
      },
    ],
  ])('keeps its values there: %s', async (_what, make) => {
    const { map, store } = make()
    const clock = virtualClock()
    const get = vi.spyOn(store, 'get')
    const s = shield({ name: 's', clock }, cache({ ttl: '1m', store }))
    const operation = vi.fn(() => 'value')
    expect(await s.run(operation, { key: 'k' })).toBe('value')
    expect(await s.run(operation, { key: 'k' })).toBe('value')
    await vi.waitFor(() => expect(map.get('k')).toEqual({ value: 'value', storedAt: 0 }))
    expect(await s.run(operation, { key: 'k' })).toBe('value')
    expect(operation).toHaveBeenCalledTimes(1)
    expect(get).toHaveBeenCalled()
    expect(s.status().policies[0]).toMatchObject({ hits: 2, misses: 1 })
  })

  test('shares values, refreshes and deletions between processes', async () => {
    const { map, store } = mapStore()
    const clock = virtualClock()
    const [one, two] = [setUp(store, {}, clock), setUp(store, {}, clock)]
    expect([await one.run(), await two.run()]).toEqual([1, 1])
    one.values.delete('k')
    expect([map.size, await two.run()]).toEqual([0, 1])
    // The process `two` has run its own operation, for the first time.
    expect(await one.run()).toBe(1)
    map.set('k', { value: 'of another', storedAt: clock.now() })
    expect([await one.run(), await two.run()]).toEqual(['of another', 'of another'])
  })

  test('measures the age of a value from when any process stored it, and says how long to keep it', async () => {
    const { map, store } = mapStore()
    const set = vi.spyOn(store, 'set')
    const { clock, run } = setUp(store, { ttl: 1_000, staleWhileRevalidate: 500, staleIfError: 3_000 })
    await clock.advance(5_000)
    map.set('k', { value: 'old', storedAt: clock.now() - 999 })
    expect(await run()).toBe('old')
    map.set('k', { value: 'older', storedAt: clock.now() - 1_500 })
    expect(await run()).toBe(1)
    expect(set.mock.calls[0]).toEqual(['k', { value: 1, storedAt: 5_250 }, 4_000])
    // The clock of another process is ahead.
    map.set('k', { value: 'future', storedAt: clock.now() + 9_000 })
    expect(await run()).toBe('future')
    // Its time to live begins when it is first seen.
    await clock.advance(2_000)
    expect(await run()).toBe(2)
  })

  test('stores the time of day with the clock of the system, which other processes know', async () => {
    const { map, store } = mapStore()
    const fromMs = Date.now()
    await shield('s', cache({ ttl: '1m', store })).run(() => 1, { key: 'k' })
    expect(map.get('k')?.storedAt).toBeGreaterThanOrEqual(fromMs)
    expect(map.get('k')?.storedAt).toBeLessThanOrEqual(Date.now())
  })

  test('refreshes a stale value once, and writes the new one', async () => {
    const { map, store } = mapStore()
    const { clock, s } = setUp(store, { ttl: 100, staleWhileRevalidate: '1h' })
    map.set('k', { value: 'old', storedAt: 0 })
    await clock.advance(200)
    const operation = vi.fn(async () => 'new')
    const answers = await Promise.all([1, 2, 3].map(() => s.run(operation, { key: 'k' })))
    expect([answers, operation.mock.calls.length]).toEqual([['old', 'old', 'old'], 1])
    await setImmediate()
    expect(map.get('k')).toEqual({ value: 'new', storedAt: 200 })
  })

  test('replaces a failure by the stale value of the store, and removes it for an answer', async () => {
    const { map, store } = mapStore()
    const { clock, s } = setUp(store, { ttl: 100, staleIfError: '1h' })
    map.set('k', { value: 'old', storedAt: 0 })
    await clock.advance(200)
    expect(await s.run(() => Promise.reject(new Error('down')), { key: 'k' })).toBe('old')
    await expect(s.run(() => Promise.reject(NOT_FOUND), { key: 'k' })).rejects.toBe(NOT_FOUND)
    expect(map.size).toBe(0)
  })

  test('runs the operation once for concurrent misses with a coalesce inside', async () => {
    const { store } = mapStore()
    const s = shield('s', cache({ ttl: '1m', store }), coalesce())
    const operation = vi.fn(async () => 'value')
    expect(await Promise.all([1, 2, 3].map(() => s.run(operation, { key: 'k' })))).toEqual(['value', 'value', 'value'])
    expect(operation).toHaveBeenCalledTimes(1)
  })

  test('makes the writes of one key one after the other', async () => {
    const { map, store } = mapStore()
    const done: (() => void)[] = []
    const set = vi.fn(async (key: string, stored: Stored) => {
      await new Promise<void>((resolve) => done.push(resolve))
      map.set(key, stored)
    })
    const { values, s } = setUp({ ...store, set })
    await s.run(() => 1, { key: 'k' })
    values.delete('k')
    await s.run(() => 2, { key: 'k' })
    await setImmediate()
    expect(done).toHaveLength(1)
    for (let write = 0; write < 2; write += 1) {
      done[write]?.()
      await setImmediate()
    }
    expect(map.get('k')?.value).toBe(2)
    expect(await s.run(() => 3, { key: 'k' })).toBe(2)
  })

  /** A store whose answers wait until the test sends them, in any order. */
  function slowStore() {
    const { map, store } = mapStore()
    const answers: (() => void)[] = []
    const get: CacheStore['get'] = (key) => {
      const found = map.get(key)
      return new Promise((resolve) => answers.push(() => resolve(found)))
    }
    return { map, store: { ...store, get }, answers }
  }

  test.each<[string, (values: ReturnType<typeof cache>, run: () => Promise<unknown>) => unknown]>([
    ['delete', (values) => values.delete('k')],
    ['clear', (values, run) => run().then(() => values.clear())],
  ])('a value that is removed while it is read does not come back: %s', async (_how, remove) => {
    const { map, store, answers } = slowStore()
    map.set('k', { value: 'old', storedAt: 0 })
    const { values, s } = setUp(store)
    const run = (): Promise<unknown> => s.run(() => 'new', { key: 'k' })
    const first = run()
    const removed = remove(values, () => {
      const second = run()
      answers[1]?.()
      return second
    })
    await removed
    await setImmediate()
    answers[0]?.()
    expect([await first, map.get('k')?.value]).toEqual(['new', 'new'])
  })

  test('an earlier read that answers later does not replace the value of a later one', async () => {
    const { map, store, answers } = slowStore()
    const { s } = setUp(store)
    map.set('k', { value: 'old', storedAt: 0 })
    const calls = [s.run(() => 'mine', { key: 'k' })]
    map.set('k', { value: 'new', storedAt: 1 })
    calls.push(s.run(() => 'mine', { key: 'k' }))
    answers[1]?.()
    await setImmediate()
    answers[0]?.()
    expect(await Promise.all(calls)).toEqual(['new', 'new'])
  })

  test('a store that hangs collects no writes: of each key, only the last one waits', async () => {
    const { store } = mapStore()
    const set = vi.fn(hang)
    const remove = vi.fn(hang)
    const { clock, values, s } = setUp({ ...store, set, delete: remove })
    await s.run(() => 1, { key: 'k' })
    for (let count = 0; count < 100; count += 1) values.delete('k')
    await s.run(() => 2, { key: 'k' })
    await clock.advance('500ms')
    expect([set.mock.calls.length, remove.mock.calls.length, clock.pending]).toEqual([2, 0, 0])
  })

  test('clear() removes the keys that this process has used', async () => {
    const { map, store } = mapStore()
    const { values, run } = setUp(store)
    map.set('of another', { value: 1, storedAt: 0 })
    await run()
    values.clear()
    expect([...map.keys()]).toEqual(['of another'])
  })

  test('rejects at once when its caller aborts while the store is read, and runs nothing', async () => {
    const { store } = mapStore({ get: hang })
    const { clock, s } = setUp(store)
    const operation = vi.fn()
    const controller = new AbortController()
    const mine = new Error('mine')
    const call = s.run(operation, { key: 'k', signal: controller.signal }).catch((error) => error)
    controller.abort(mine)
    expect(await call).toBe(mine)
    await clock.advance('1s')
    expect(operation).not.toHaveBeenCalled()
    expect(clock.pending).toBe(0)
  })
})

describe('a store that fails', () => {
  const took = 'the store of a cache took longer than 250 ms'
  const garbage = 'the store of a cache returned something that it has not stored'
  test.each<[string, Partial<CacheStore>, unknown[]]>([
    ['get throws', { get: fail }, [['k', 'get', 'store down']]],
    ['get rejects', { get: async () => fail() }, [['k', 'get', 'store down']]],
    ['get hangs', { get: hang }, [['k', 'get', took]]],
    ['get returns text', { get: () => 'text' as never }, [['k', 'get', garbage]]],
    ['get returns an object of another shape', { get: () => ({ value: 1 }) as never }, [['k', 'get', garbage]]],
    ['get returns no number', { get: () => ({ value: 1, storedAt: Number.NaN }) }, [['k', 'get', garbage]]],
    ['get returns no value', { get: () => ({ storedAt: 0 }) as never }, [['k', 'get', garbage]]],
    ['get returns a proxy that throws', { get: () => new Proxy({}, { get: fail, has: fail }) as never }, []],
    [
      'get returns a value that cannot be read',
      {
        get: () => ({
          storedAt: 0,
          get value() {
            return fail()
          },
        }),
      },
      [['k', 'get', 'store down']],
    ],
    ['set throws', { set: fail }, [['k', 'set', 'store down']]],
    ['set rejects', { set: async () => fail() }, [['k', 'set', 'store down']]],
    ['set hangs', { set: hang }, [['k', 'set', took]]],
    ['set returns a thenable that throws', { set: () => ({ then: fail }) }, [['k', 'set', 'store down']]],
  ])('never fails a call, and is told by an event: %s', async (_what, replaced, expected) => {
    const { store } = mapStore(replaced)
    const { clock, failures, run } = setUp(store)
    expect(await run()).toBe(1)
    await clock.advance('1s')
    if (expected.length > 0) expect(failures).toEqual(expected)
    else expect(failures).toHaveLength(1)
    expect(clock.pending).toBe(0)
  })

  test('delete throws, rejects or hangs: the value is gone for this process until then', async () => {
    for (const remove of [fail, async () => fail(), hang]) {
      const { store } = mapStore({ delete: remove })
      const { clock, values, failures, run } = setUp(store)
      await run()
      expect(values.delete('k')).toBe(true)
      await clock.advance('1s')
      expect(failures).toHaveLength(1)
    }
  })

  test('a late rejection is no unhandled one, and the timeout is an option', async () => {
    const { store } = mapStore()
    let reject: (error: Error) => void = () => {}
    const get = (): Promise<never> =>
      new Promise((_, late) => {
        reject = late
      })
    const { clock, s, failures } = setUp({ ...store, get }, { storeTimeout: 10 })
    const answer = s.run(() => 'value', { key: 'k' })
    await clock.advance(10)
    expect(await answer).toBe('value')
    reject(new Error('late'))
    await setImmediate()
    expect(failures).toHaveLength(1)
  })

  test('a stale value that this process remembers replaces a failure while the store is down', async () => {
    const { map, store } = mapStore()
    let isDown = false
    const get: CacheStore['get'] = (key) => (isDown ? fail() : map.get(key))
    const { clock, s, run } = setUp({ ...store, get }, { ttl: 100, staleIfError: '1h' })
    await run()
    isDown = true
    await clock.advance(200)
    expect(await s.run(() => Promise.reject(new Error('down')), { key: 'k' })).toBe(1)
  })

  test.each([
    ['no object', 5],
    ['no get', { set: fail, delete: fail }],
    ['no delete', { get: fail, set: fail }],
  ])('is refused when the cache is made: %s', (_what, store) => {
    expect(() => cache({ ttl: 1, store: store as never })).toThrow('cache.store')
  })

  test('whatever the store does, each call gets a value of its operation, on time', async () => {
    const behaviour = fc.constantFrom('works', 'throws', 'rejects', 'hangs', 'garbage')
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(behaviour, behaviour, behaviour, fc.boolean()), { minLength: 1, maxLength: 8 }),
        async (steps) => {
          const { map } = mapStore()
          const clock = virtualClock()
          let step = 0
          const acting = (index: 0 | 1 | 2, works: () => unknown): never => {
            const how = steps[step]?.[index]
            if (how === 'throws') return fail()
            if (how === 'rejects') return Promise.reject(new Error('store down')) as never
            if (how === 'hangs') return hang() as never
            return (how === 'garbage' ? { garbage: true } : works()) as never
          }
          const store: CacheStore = {
            get: (key) => acting(0, () => map.get(key)),
            set: (key, stored) => acting(1, () => map.set(key, stored)),
            delete: (key) => acting(2, () => map.delete(key)),
          }
          const values = cache({ ttl: 1_000, staleWhileRevalidate: 500, store })
          const s = shield({ name: 's', clock }, timeout('1m'), values, retry())
          for (; step < steps.length; step += 1) {
            let value: unknown
            void s
              .run(() => `value ${step}`, { key: 'k' })
              .then((answer) => {
                value = answer
              })
            await clock.advance('251ms')
            expect(value).toMatch(/^value \d$/)
            if (steps[step]?.[3]) values.delete('k')
          }
          await clock.advance('1h')
          expect(clock.pending).toBe(0)
        },
      ),
      { numRuns: 300 },
    )
  })
})
