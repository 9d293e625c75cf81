import { describe, expect, test, vi } from 'vitest'
import { type CacheOptions, type CacheStore, cache, type StoredValue, shield } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { deferred } from './setup.ts'

/** A store in which one process at a time has the lock of a key. */
function lockStore() {
  const map = new Map<string, StoredValue>()
  const locks = new Map<string, { readonly endsMs: number }>()
  const clock = virtualClock()
  const store: CacheStore & Required<Pick<CacheStore, 'lock'>> = {
    get: async (key) => map.get(key),
    set: async (key, stored) => void map.set(key, stored),
    delete: async (key) => void map.delete(key),
    lock: async (key, forMs) => {
      if ((locks.get(key)?.endsMs ?? 0) > clock.now()) return undefined
      const lock = { endsMs: clock.now() + forMs }
      locks.set(key, lock)
      return () => locks.get(key) === lock && locks.delete(key)
    },
  }
  const process = (options: Partial<CacheOptions> = {}) => {
    const s = shield({ name: 's', clock }, cache({ ttl: '1m', store, ...options }))
    const run = (operation: () => unknown, signal?: AbortSignal): Promise<unknown> =>
      s
        .run(operation, signal === undefined ? { key: 'k' } : { key: 'k', signal })
        .catch((error) => `error: ${error?.message ?? error}`)
    return { s, run }
  }
  return { map, locks, clock, store, process }
}

describe('a cache whose store has locks', () => {
  test('one process runs the operation, and the others wait for its value', async () => {
    const { process, clock, locks } = lockStore()
    const { operation, calls } = deferred()
    const all = [1, 2, 3].map(() => process().run(operation))
    await clock.advance(100)
    expect(calls).toHaveLength(1)
    calls[0]?.resolve('value')
    await clock.advance(100)
    expect(await Promise.all(all)).toEqual(['value', 'value', 'value'])
    expect([operation.mock.calls.length, locks.size]).toEqual([1, 0])
  })

  test('calls of one process wait for each other, too', async () => {
    const { process, clock } = lockStore()
    const { operation, calls } = deferred()
    const { run, s } = process()
    const both = [run(operation), run(operation)]
    await clock.advance(100)
    calls[0]?.resolve('value')
    await clock.advance(100)
    expect(await Promise.all(both)).toEqual(['value', 'value'])
    expect(s.status().policies[0]).toMatchObject({ hits: 1, misses: 1 })
  })

  test('runs the operation when the value does not come within flightTimeout', async () => {
    const { process, clock } = lockStore()
    const { operation, calls } = deferred()
    const [one, other] = [process({ flightTimeout: 500 }), process({ flightTimeout: 300 })]
    void one.run(operation)
    await clock.advance(1)
    void other.run(operation)
    await clock.advance(250)
    expect(calls).toHaveLength(1)
    await clock.advance(100)
    expect(calls).toHaveLength(2)
  })

  test('the lock is released after the value has been written', async () => {
    const { process, clock, store, map } = lockStore()
    const set: CacheStore['set'] = (key, stored) =>
      new Promise<void>((resolve) => {
        clock.setTimer(() => resolve(void map.set(key, stored)), 100)
      })
    const { operation, calls } = deferred()
    const all = [1, 2].map(() => process({ store: { ...store, set } as CacheStore }).run(operation))
    await clock.advance(10)
    calls[0]?.resolve('value')
    await clock.advance(300)
    expect(await Promise.all(all)).toEqual(['value', 'value'])
    expect(calls).toHaveLength(1)
  })

  test('the next one runs after a failure, and the caller gets its own error', async () => {
    const { process, clock } = lockStore()
    const { operation, calls } = deferred()
    const [first, second] = [process().run(operation), process().run(operation)]
    await clock.advance(10)
    calls[0]?.reject(new Error('down'))
    await clock.advance(100)
    expect(await first).toBe('error: down')
    calls[1]?.resolve('value')
    await clock.advance(0)
    expect(await second).toBe('value')
  })

  test('a cancelled call stops waiting with its own reason', async () => {
    const { process, clock } = lockStore()
    const { operation, calls } = deferred()
    const first = process().run(operation)
    await clock.advance(10)
    const controller = new AbortController()
    const second = process().run(operation, controller.signal)
    await clock.advance(10)
    controller.abort(new Error('gone'))
    expect(await second).toBe('error: gone')
    calls[0]?.resolve(1)
    await first
    await clock.advance(500)
    expect(calls).toHaveLength(1)
  })

  test('one process refreshes a stale value; the others go on with it', async () => {
    const { map, process, clock } = lockStore()
    const { operation, calls } = deferred()
    map.set('k', { value: 'old', storedAt: 0 })
    await clock.advance(2_000)
    const all = [1, 2, 3].map(() => process({ ttl: '1s', staleWhileRevalidate: '1h' }))
    expect(await Promise.all(all.map(({ run }) => run(operation)))).toEqual(['old', 'old', 'old'])
    await clock.advance(0)
    expect(calls).toHaveLength(1)
    calls[0]?.resolve('new')
    await clock.advance(0)
    expect(await Promise.all(all.map(({ run }) => run(operation)))).toEqual(['new', 'new', 'new'])
  })

  test('a stale value of the store replaces the failure of each process', async () => {
    const { map, process, clock } = lockStore()
    map.set('k', { value: 'old', storedAt: 0 })
    await clock.advance(2_000)
    const fail = (): never => {
      throw new Error('down')
    }
    const all = [1, 2].map(() => process({ ttl: '1s', staleIfError: '1h' }).run(fail))
    await clock.advance(1_000)
    expect(await Promise.all(all)).toEqual(['old', 'old'])
  })

  test.each<[string, CacheStore['lock']]>([
    ['rejects', () => Promise.reject(new Error('no lock'))],
    ['returns no function', () => 1 as never],
    [
      'throws',
      () => {
        throw new Error('no lock')
      },
    ],
    ['returns an unlock that rejects', async () => () => Promise.reject(new Error('no unlock'))],
    ['does not answer', () => new Promise(() => {})],
  ])('no call fails when the lock %s', async (_how, lock) => {
    const { store, process, clock } = lockStore()
    const { s, run } = process({ store: { ...store, lock } as CacheStore })
    const failures: string[] = []
    s.on('cacheStoreFailed', ({ action }) => failures.push(action))
    const value = run(() => 'value')
    await clock.advance(300)
    expect(await value).toBe('value')
    await clock.advance(300)
    expect(failures).toHaveLength(1)
    expect(failures[0]).toMatch(/lock$/)
  })

  test('0 does not wait, and flightTimeout needs a store with locks', async () => {
    const { store, process } = lockStore()
    const lock = vi.spyOn(store, 'lock')
    expect(await process({ flightTimeout: 0 }).run(() => 1)).toBe(1)
    expect(lock).not.toHaveBeenCalled()
    const { lock: _lock, ...without } = store
    expect(() => cache({ ttl: 1, store: without, flightTimeout: 1 })).toThrow(/^cache\.flightTimeout: .*`lock`/)
    expect(() => cache({ ttl: 1, store: { ...store, lock: 1 as never } })).toThrow(/^cache\.store\.lock/)
  })
})
