import { setImmediate } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { IdempotencyGuard } from '../guard.ts'
import { sizeOfRecord } from '../record.ts'
import { type IdempotencyStore, MemoryStore } from '../store.ts'

/** A store over a network: each answer takes a while. */
function slowStore(): IdempotencyStore & { readonly memory: MemoryStore } {
  const memory = new MemoryStore({ maxEntries: 10, maxBytes: 10_000 }, sizeOfRecord, () => performance.now())
  return {
    memory,
    get: async (key) => {
      await setImmediate()
      return memory.get(key)
    },
    set: async (key, value, keepMs) => {
      await setImmediate()
      memory.set(key, value, keepMs)
    },
    delete: async (key) => {
      await setImmediate()
      memory.delete(key)
    },
    lock: async (key, forMs) => {
      await setImmediate()
      return memory.lock(key, forMs)
    },
  }
}

const request = { request: undefined, method: 'POST', route: '/orders', url: '/orders', key: 'a', body: () => 'body' }
const ANSWER = { status: 201, headers: [], body: '' } as const

describe('the guard of idempotency keys', () => {
  test('lets one of many concurrent requests run, over a store that is slow', async () => {
    const store = slowStore()
    const guards = [1, 2, 3].map(() => new IdempotencyGuard({ scope: () => 'ana', store }))
    const begun = await Promise.allSettled(guards.flatMap((guard) => [1, 2, 3].map(() => guard.begin(request))))
    expect(begun.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of begun) {
      if (result.status === 'rejected') expect(result.reason.code).toBe('IDEMPOTENCY_IN_PROGRESS')
    }
  })

  test('only the first end of a request counts, and what could not be stored is replayed from memory', async () => {
    const store = slowStore()
    const guard = new IdempotencyGuard({ scope: () => 'ana', store })
    const begun = await guard.begin(request)
    if (begun.kind !== 'first') throw new Error('expected to run')
    const { set } = store
    store.set = () => Promise.reject(new Error('down'))
    await Promise.all([begun.run.end(ANSWER), begun.run.end(undefined)])
    store.set = set
    expect(await guard.begin(request)).toEqual({ kind: 'replay', answer: ANSWER })
  })

  test('while the store fails, what this instance has served or serves does not run again', async () => {
    const store = slowStore()
    const guard = new IdempotencyGuard({ scope: () => 'ana', store })
    const begun = await guard.begin(request)
    if (begun.kind !== 'first') throw new Error('expected to run')
    const { get } = store
    const fail = () => Promise.reject(new Error('down'))
    store.get = fail
    await expect(guard.begin(request)).rejects.toMatchObject({ code: 'IDEMPOTENCY_IN_PROGRESS' })
    store.get = get
    await begun.run.end(ANSWER)
    store.get = fail
    expect(await guard.begin(request)).toEqual({ kind: 'replay', answer: ANSWER })
  })

  test.each(['get', 'lock', 'set'] as const)('a store whose %s hangs does not hang a request', async (method) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const inTime = async <T>(promise: Promise<T>): Promise<T> => {
      let isSettled = false
      const settle = (): void => {
        isSettled = true
      }
      promise.then(settle, settle)
      // Hashes are made on another thread.
      while (!isSettled) await setImmediate().then(() => vi.advanceTimersByTimeAsync(100))
      return await promise
    }
    const hanging = { ...slowStore(), [method]: () => new Promise<never>(() => {}) }
    const alone = new IdempotencyGuard({ scope: () => 'ana', store: hanging })
    const begun = await inTime(alone.begin(request))
    if (begun.kind !== 'first') throw new Error('expected to run')
    await inTime(begun.run.end(ANSWER))
    expect(await inTime(alone.begin(request))).toEqual({ kind: 'replay', answer: ANSWER })
    const closed = new IdempotencyGuard({ scope: () => 'ana', store: hanging, onLoss: 'closed' })
    await expect(inTime(closed.begin({ ...request, key: 'b' }))).rejects.toMatchObject({
      code: 'IDEMPOTENCY_UNAVAILABLE',
    })
  })

  test('an answer that is too large for the store does not run again', async () => {
    const store = slowStore()
    const { set, memory } = store
    store.set = async (key, value, keepMs) =>
      JSON.stringify(value).length > 500 ? memory.delete(key) : await set(key, value, keepMs)
    const large = { ...ANSWER, body: 'x'.repeat(1_000) }
    for (const options of [{ store }, { maxBytes: 1_000 }]) {
      const guards = [1, 2].map(() => new IdempotencyGuard({ scope: () => 'ana', ...options }))
      const [guard, other] = guards as [IdempotencyGuard<undefined>, IdempotencyGuard<undefined>]
      const begun = await guard.begin(request as never)
      if (begun.kind !== 'first') throw new Error('expected to run')
      await begun.run.end(large)
      for (const at of 'store' in options ? [guard, other] : [guard]) {
        await expect(at.begin(request as never)).rejects.toMatchObject({ code: 'IDEMPOTENCY_ANSWER_NOT_KEPT' })
      }
    }
  })

  test('an answer that ends after its connection replaces the part that was sent', async () => {
    const guard = new IdempotencyGuard({ scope: () => 'ana', store: slowStore() })
    const begun = await guard.begin(request)
    if (begun.kind !== 'first') throw new Error('expected to run')
    begun.run.interrupt()
    await begun.run.end(ANSWER)
    expect(await guard.begin(request)).toEqual({ kind: 'replay', answer: ANSWER })
  })

  test.each([undefined, '', 7])('a scope of %o is a mistake in the program', async (principal) => {
    const guard = new IdempotencyGuard({ scope: () => principal as string })
    await expect(guard.begin(request)).rejects.toThrow(/^idempotency\.scope: /)
  })

  test('options that cannot work are refused', () => {
    const make = (options: object) => () => new IdempotencyGuard(options as never)
    expect(make({})).toThrow(/^idempotency\.scope/)
    expect(make({ scope: () => 'a', store: {} })).toThrow(/^idempotency\.store\.get/)
    expect(make({ scope: () => 'a', methods: ['post'] })).toThrow(/^idempotency\.methods/)
    expect(make({ scope: () => 'a', tll: 1 })).toThrow(/idempotency\.tll/)
  })
})
