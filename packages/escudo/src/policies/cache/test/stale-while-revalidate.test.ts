import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { type CacheOptions, cache, circuitBreaker, constant, retry, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { DOWN, deferred, fail, NOT_FOUND, setUp } from './setup.ts'

describe('within staleWhileRevalidate', () => {
  async function stale(options: Partial<CacheOptions> = {}) {
    const set = setUp({ ttl: '1s', staleWhileRevalidate: '10s', ...options })
    await set.run(() => 'old')
    await set.clock.advance('1s')
    return set
  }

  test('returns the stale value immediately, and runs one refresh in the background', async () => {
    const { clock, run, status } = await stale()
    const { operation, calls } = deferred()
    expect([await run(operation), await run(operation), await run(operation)]).toEqual(['old', 'old', 'old'])
    expect(operation).toHaveBeenCalledTimes(1)
    calls[0]?.resolve('new')
    await clock.advance(0)
    expect(await run(fail)).toBe('new')
    expect(status()).toEqual({ entries: 1, hits: 1, stale: 3, misses: 1 })
    expect(clock.pending).toBe(0)
  })

  test('the caller waits for a new value after staleWhileRevalidate', async () => {
    const { clock, run } = await stale()
    await clock.advance(9_999)
    expect(await run(() => new Promise(() => {}))).toBe('old')
    await clock.advance(1)
    expect(await run(() => 'new')).toBe('new')
  })

  test('a refresh is a separate call: attempt 1, no deadline, not aborted by the caller', async () => {
    const clock = virtualClock()
    const values = cache({ ttl: '1s', staleWhileRevalidate: '10s' })
    let attempts = 1
    const flaky = retry({
      maxRetries: 1,
      backoff: constant(1),
      classify: () => (++attempts > 1 ? 'success' : 'failure'),
    })
    const s = shield({ name: 's', clock }, timeout('20s'), flaky, values, timeout('5s', { name: 'inner' }))
    await s.run(() => 'old', { key: 'k' })
    attempts = 0
    await clock.advance('1s')
    const controller = new AbortController()
    const calls: { attempt: number; deadline: number | undefined; key: string | undefined; signal: AbortSignal }[] = []
    const outcome = s.run(
      ({ attempt, deadline, key, signal }) => {
        calls.push({ attempt, deadline, key, signal })
        return new Promise((resolve) => clock.setTimer(() => resolve('new'), 3_000))
      },
      { key: 'k', signal: controller.signal, deadline: '1s' },
    )
    await clock.advance(1)
    expect(await outcome).toBe('old')
    controller.abort('gone')
    const startedAt = 1_001
    // The inner timeout alone sets the deadline.
    expect(calls).toMatchObject([{ attempt: 1, deadline: startedAt - 1 + 5_000, key: 'k' }])
    await clock.advance('3s')
    expect([calls[0]?.signal.aborted, await s.run(fail, { key: 'k' })]).toEqual([false, 'new'])
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    expect(clock.pending).toBe(0)
  })

  test('an inner timeout ends a refresh that hangs', async () => {
    const clock = virtualClock()
    const s = shield({ name: 's', clock }, cache({ ttl: '1s', staleWhileRevalidate: '1h' }), timeout('5s'))
    await s.run(() => 'old', { key: 'k' })
    await clock.advance('1s')
    let signal: AbortSignal | undefined
    await s.run((call) => new Promise(() => (signal = call.signal)), { key: 'k' })
    await clock.advance('5s')
    expect(signal?.reason).toMatchObject({ code: 'TIMEOUT' })
    await clock.advance('1s')
    const operation = vi.fn(() => 'new')
    expect(await s.run(operation, { key: 'k' })).toBe('old')
    expect(operation).toHaveBeenCalledTimes(1)
  })

  test('a failed refresh emits `stale`, reaches no caller, and pauses the next refresh', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const { clock, s, run } = await stale()
    const events: unknown[] = []
    s.on('stale', (event) => events.push(event))
    s.on('stale', () => {
      throw new Error('a listener is broken')
    })
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const operation = vi.fn(fail)
    for (let n = 0; n < 100; n += 1) expect(await run(operation)).toBe('old')
    expect(operation).toHaveBeenCalledTimes(1)
    expect(events).toEqual([{ shield: 's', policy: 'cache', error: DOWN, ageMs: 1_000, refresh: true }])
    await clock.advance(999)
    await run(operation)
    expect(operation).toHaveBeenCalledTimes(1)
    await clock.advance(1)
    await run(operation)
    expect(operation).toHaveBeenCalledTimes(2)
    await clock.advance('1s')
    await run(() => {
      throw undefined
    })
    await clock.advance('1s')
    await run(() => 'new')
    expect(await run(fail)).toBe('new')
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
    warnings.mockRestore()
  })

  test('a business error in a refresh removes the old value', async () => {
    const { clock, run, status } = await stale({ staleIfError: '1h' })
    expect(await run(() => Promise.reject(NOT_FOUND))).toBe('old')
    await clock.advance(0)
    expect(status()).toMatchObject({ entries: 0 })
    expect(await run(() => Promise.reject(NOT_FOUND))).toBe('error: not found')
  })

  test('a refresh is cancelled if its entry is replaced, evicted, deleted or cleared', async () => {
    const removals: Record<string, (set: Awaited<ReturnType<typeof stale>>) => Promise<unknown> | boolean | undefined> =
      {
        replaced: async ({ clock, run }) => {
          await clock.advance('10s')
          expect(await run(() => 'new')).toBe('new')
        },
        evicted: ({ run }) => run(() => 'other', 'other'),
        deleted: ({ values }) => values.delete('k'),
        cleared: ({ values }) => values.clear() as undefined,
      }
    for (const [how, remove] of Object.entries(removals)) {
      const set = await stale({ maxEntries: 1 })
      const listener = vi.fn()
      set.s.on('stale', listener)
      let signal: AbortSignal | undefined
      let settle: (value: unknown) => void = () => {}
      const fails = how === 'cleared'
      await set.run((call) => {
        signal = call.signal
        return new Promise((resolve, reject) => (settle = fails ? reject : resolve))
      })
      expect(signal?.aborted).toBe(false)
      await remove(set)
      expect([how, signal?.aborted, signal?.reason?.name]).toEqual([how, true, 'AbortError'])
      // Its late result is not stored, and emits no event.
      settle('late')
      await set.clock.advance(0)
      expect(listener).not.toHaveBeenCalled()
      expect(await set.run(() => 'reloaded')).toBe(how === 'replaced' ? 'new' : 'reloaded')
    }
  })

  test('an inner breaker ignores a cancelled refresh', async () => {
    const clock = virtualClock()
    const values = cache({ ttl: '1s', staleWhileRevalidate: '10s' })
    const s = shield({ name: 's', clock }, values, circuitBreaker())
    await s.run(() => 'old', { key: 'k' })
    await clock.advance('1s')
    await s.run(({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(DOWN))), {
      key: 'k',
    })
    values.clear()
    await clock.advance(0)
    expect(s.status().policies[1]).toMatchObject({ calls: 1, failures: 0 })
  })

  test('a refresh that synchronously calls its own key gets the stale value, starts no second one', async () => {
    const { clock, run } = await stale()
    const inner: unknown[] = []
    await run(async () => {
      inner.push(await run(fail))
      return 'new'
    })
    await clock.advance(0)
    expect([inner, await run(fail)]).toEqual([['old'], 'new'])
  })

  test('with ttl 0 every call returns the stored value and starts a refresh', async () => {
    const { clock, run } = setUp({ ttl: 0, staleWhileRevalidate: '1m' })
    expect(await run(() => 1)).toBe(1)
    expect(await run(() => 2)).toBe(1)
    await clock.advance(0)
    expect(await run(() => 3)).toBe(2)
  })
})
