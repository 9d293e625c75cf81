import { getEventListeners } from 'node:events'
import { types } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { CancelScope } from '../../../core/engine/cancel-scope.ts'
import { adaptiveLimiter, BulkheadFullError, constant, isRefusal, retry, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/index.ts'
import { never, recorded, setUp } from './setup.ts'

describe('adaptiveLimiter', () => {
  test('runs as many calls as the limit, rejects the rest immediately, and follows the limit', async () => {
    const { clock, s, status, state } = setUp()
    const rejected = vi.fn()
    s.on('rejected', rejected)
    const ends: (() => void)[] = []
    const call = (): Promise<unknown> => s.run(() => new Promise<void>((resolve) => ends.push(resolve)))
    const first = [call(), call()]
    const error = (await call().catch((reason) => reason)) as BulkheadFullError
    expect(error).toBeInstanceOf(BulkheadFullError)
    expect([error.code, isRefusal(error), types.isNativeError(error)]).toEqual(['BULKHEAD_FULL', true, true])
    expect(error.message).toBe("'s' is full: 2 in flight, the limit is 2 (adaptiveLimiter)")
    expect(error.stack?.includes('adaptive-limiter.ts')).toBe(false)
    expect(rejected.mock.calls).toEqual([
      [{ shield: 's', policy: 'adaptiveLimiter', code: 'BULKHEAD_FULL', retryAfterMs: undefined }],
    ])
    expect(status()).toEqual({ limit: 2, inFlight: 2 })
    state.limit = 3
    first.push(call())
    state.limit = 1
    expect(status()).toEqual({ limit: 1, inFlight: 3 })
    // A lower limit cancels no running call, and admits no new one until fewer are in flight than the limit.
    for (const end of ends.slice(0, 2)) end()
    await clock.advance(0)
    expect(await call().catch((reason) => reason.code)).toBe('BULKHEAD_FULL')
    ends[2]?.()
    await Promise.all(first)
    expect(await s.run(() => 42)).toBe(42)
    expect(status()).toEqual({ limit: 1, inFlight: 0 })
    expect(clock.pending).toBe(0)
  })

  test('calls the operation synchronously, and rejects with what it throws, also undefined', async () => {
    const { s, status } = setUp()
    let called = false
    const call = s.run(() => {
      called = true
    })
    expect(called).toBe(true)
    await call
    for (const thrown of [new Error('boom'), undefined]) {
      await expect(
        s.run(() => {
          throw thrown
        }),
      ).rejects.toBe(thrown)
    }
    expect(await s.run(() => ({ then: (resolve: (value: number) => void) => resolve(7) }) as PromiseLike<number>)).toBe(
      7,
    )
    expect(status()).toEqual({ limit: 2, inFlight: 0 })
  })

  test('does not run a call whose scope is cancelled already', async () => {
    const { clock, s, samples, status } = setUp({}, timeout('10ms'))
    const operation = vi.fn()
    // When the timeout aborts the signal, the operation calls the shield again with that signal.
    const call = s
      .run(
        ({ signal }) =>
          new Promise((_, reject) =>
            signal.addEventListener('abort', () => s.run(operation, { signal }).catch(reject)),
          ),
      )
      .catch((error) => error.code)
    await clock.advance(10)
    expect(await call).toBe('TIMEOUT')
    await clock.advance(0)
    expect(operation).not.toHaveBeenCalled()
    expect([samples.length, status()]).toEqual([1, { limit: 2, inFlight: 0 }])
  })

  test('uses one permit for each reentrant call, and releases all of them', async () => {
    const { s, status, state } = setUp()
    state.limit = 5
    const depth = async (left: number): Promise<number> => (left === 0 ? 0 : 1 + (await s.run(() => depth(left - 1))))
    expect(await depth(5)).toBe(5)
    expect(await depth(6).catch((error) => error.code)).toBe('BULKHEAD_FULL')
    expect(status()).toEqual({ limit: 5, inFlight: 0 })
  })

  test('is not affected by a listener that throws', async () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const { s, state } = setUp()
    s.on('rejected', () => {
      throw new Error('boom')
    })
    state.limit = 0
    expect(await s.run(() => 1).catch((error) => error.code)).toBe('BULKHEAD_FULL')
    warnings.mockRestore()
  })

  test('shares its permits between two shields', async () => {
    const clock = virtualClock()
    const limiter = adaptiveLimiter({ algorithm: recorded(1).algorithm })
    const [a, b] = [shield({ name: 'a', clock }, limiter), shield({ name: 'b', clock }, limiter)]
    void a.run(never)
    const error = await b.run(() => 1).catch((reason) => reason)
    expect([error.code, error.shield]).toEqual(['BULKHEAD_FULL', 'b'])
  })

  test('leaves no permit, timer or listener behind after 100 000 calls of all outcomes', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, timeout('5ms'), adaptiveLimiter({ max: 50, initial: 10 }))
    const shared = new AbortController()
    const outcomes = new Map<unknown, number>()
    for (let batch = 0; batch < 1_000; batch += 1) {
      const batchController = new AbortController()
      const calls = Array.from({ length: 100 }, (_, n) =>
        s
          .run(() => new Promise((resolve) => clock.setTimer(() => resolve('served'), n % 10)), {
            signal: n % 3 === 0 ? batchController.signal : shared.signal,
          })
          .then(
            (value) => value,
            (error) => error?.code ?? error,
          )
          .then((outcome) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)),
      )
      if (batch % 2 === 0) await clock.advance(1)
      batchController.abort('gone')
      await clock.advance(10)
      await Promise.all(calls)
      expect(getEventListeners(batchController.signal, 'abort')).toEqual([])
    }
    expect(getEventListeners(shared.signal, 'abort')).toEqual([])
    expect(clock.pending).toBe(0)
    expect(s.status().policies[1]).toMatchObject({ inFlight: 0 })
    expect([...outcomes.keys()].sort()).toEqual(['BULKHEAD_FULL', 'TIMEOUT', 'gone', 'served'])
    expect([...outcomes.values()].reduce((sum, count) => sum + count, 0)).toBe(100_000)
  }, 60_000)

  test('leaves no watcher behind after a hundred attempts of one call', async () => {
    const [added, removed] = [vi.spyOn(CancelScope.prototype, 'add'), vi.spyOn(CancelScope.prototype, 'remove')]
    const { clock, s, state } = setUp({}, retry({ maxRetries: 99, backoff: constant(0) }))
    state.limit = 1
    const before = added.mock.calls.length - removed.mock.calls.length
    const call = s.run(() => Promise.reject(new Error('boom')), { deadline: '1h' }).catch(() => {})
    await clock.advance('1m')
    await call
    // The call's own scope is never cancelled, so it removes no watcher by itself.
    expect([added.mock.calls.length - removed.mock.calls.length, added.mock.calls.length >= 100]).toEqual([
      before,
      true,
    ])
    vi.restoreAllMocks()
  })
})
