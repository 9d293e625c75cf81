import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { type CacheOptions, cache, circuitBreaker, constant, retry, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { DOWN, fail, held, NOT_FOUND, setUp } from './setup.ts'

describe('within staleWhileRevalidate', () => {
  async function stale(options: Partial<CacheOptions> = {}) {
    const set = setUp({ ttl: '1s', staleWhileRevalidate: '10s', ...options })
    await set.ask(() => 'old')
    await set.clock.advance('1s')
    return set
  }

  test('a stale value is answered at once, and one refresh runs in the background', async () => {
    const { clock, ask, status } = await stale()
    const { operation, ends } = held()
    expect([await ask(operation), await ask(operation), await ask(operation)]).toEqual(['old', 'old', 'old'])
    expect(operation).toHaveBeenCalledTimes(1)
    ends[0]?.resolve('new')
    await clock.advance(0)
    expect(await ask(fail)).toBe('new')
    expect(status()).toEqual({ entries: 1, hits: 1, stale: 3, misses: 1 })
    expect(clock.pending).toBe(0)
  })

  test('after it the value is over: the caller waits for a new one', async () => {
    const { clock, ask } = await stale()
    await clock.advance(9_999)
    expect(await ask(() => new Promise(() => {}))).toBe('old')
    await clock.advance(1)
    expect(await ask(() => 'new')).toBe('new')
  })

  test("a refresh is a call of its own: attempt 1, no deadline, outside of the caller's cancellation", async () => {
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
    const run = s.run(
      ({ attempt, deadline, key, signal }) => {
        calls.push({ attempt, deadline, key, signal })
        return new Promise((resolve) => clock.setTimer(() => resolve('new'), 3_000))
      },
      { key: 'k', signal: controller.signal, deadline: '1s' },
    )
    await clock.advance(1)
    expect(await run).toBe('old')
    controller.abort('gone')
    const startedAt = 1_001
    // Bounded by what stands inside alone.
    expect(calls).toMatchObject([{ attempt: 1, deadline: startedAt - 1 + 5_000, key: 'k' }])
    await clock.advance('3s')
    expect([calls[0]?.signal.aborted, await s.run(fail, { key: 'k' })]).toEqual([false, 'new'])
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
    expect(clock.pending).toBe(0)
  })

  test('what stands inside bounds a refresh that hangs', async () => {
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

  test('its failure is nobody else’s: told as `stale`, never an unhandled rejection, and the next attempt waits', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const { clock, s, ask } = await stale()
    const heard: unknown[] = []
    s.on('stale', (event) => heard.push(event))
    s.on('stale', () => {
      throw new Error('a listener is broken')
    })
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const operation = vi.fn(fail)
    for (let n = 0; n < 100; n += 1) expect(await ask(operation)).toBe('old')
    expect(operation).toHaveBeenCalledTimes(1)
    expect(heard).toEqual([{ shield: 's', policy: 'cache', error: DOWN, ageMs: 1_000, refresh: true }])
    await clock.advance(999)
    await ask(operation)
    expect(operation).toHaveBeenCalledTimes(1)
    await clock.advance(1)
    await ask(operation)
    expect(operation).toHaveBeenCalledTimes(2)
    await clock.advance('1s')
    await ask(() => {
      throw undefined
    })
    await clock.advance('1s')
    await ask(() => 'new')
    expect(await ask(fail)).toBe('new')
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
    warnings.mockRestore()
  })

  test('a business error is an answer, and ends the old value', async () => {
    const { clock, ask, status } = await stale({ staleIfError: '1h' })
    expect(await ask(() => Promise.reject(NOT_FOUND))).toBe('old')
    await clock.advance(0)
    expect(status()).toMatchObject({ entries: 0 })
    expect(await ask(() => Promise.reject(NOT_FOUND))).toBe('error: not found')
  })

  test('a refresh that hangs is given up with its entry: replaced by a caller’s run, forgotten, deleted, or cleared', async () => {
    const given: Record<string, (set: Awaited<ReturnType<typeof stale>>) => Promise<unknown> | boolean | undefined> = {
      replaced: async ({ clock, ask }) => {
        await clock.advance('10s')
        expect(await ask(() => 'new')).toBe('new')
      },
      forgotten: ({ ask }) => ask(() => 'other', 'other'),
      deleted: ({ values }) => values.delete('k'),
      cleared: ({ values }) => values.clear() as undefined,
    }
    for (const [how, giveUp] of Object.entries(given)) {
      const set = await stale({ maxEntries: 1 })
      const told = vi.fn()
      set.s.on('stale', told)
      let signal: AbortSignal | undefined
      let settle: (value: unknown) => void = () => {}
      const fails = how === 'cleared'
      await set.ask((call) => {
        signal = call.signal
        return new Promise((resolve, reject) => (settle = fails ? reject : resolve))
      })
      expect(signal?.aborted).toBe(false)
      await giveUp(set)
      expect([how, signal?.aborted, signal?.reason?.name]).toEqual([how, true, 'AbortError'])
      // What it still gives is not kept, nor told.
      settle('late')
      await set.clock.advance(0)
      expect(told).not.toHaveBeenCalled()
      expect(await set.ask(() => 'asked anew')).toBe(how === 'replaced' ? 'new' : 'asked anew')
    }
  })

  test('a refresh given up is ignored by a breaker inside: it says nothing about the dependency', async () => {
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

  test('a refresh that calls its own key synchronously gets the stale value, and begins no second one', async () => {
    const { clock, ask } = await stale()
    const inner: unknown[] = []
    await ask(async () => {
      inner.push(await ask(fail))
      return 'new'
    })
    await clock.advance(0)
    expect([inner, await ask(fail)]).toEqual([['old'], 'new'])
  })

  test('with ttl 0 every call is answered from memory and refreshes', async () => {
    const { clock, ask } = setUp({ ttl: 0, staleWhileRevalidate: '1m' })
    expect(await ask(() => 1)).toBe(1)
    expect(await ask(() => 2)).toBe(1)
    await clock.advance(0)
    expect(await ask(() => 3)).toBe(2)
  })
})
