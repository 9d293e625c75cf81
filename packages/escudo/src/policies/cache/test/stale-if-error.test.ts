import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { FACTS } from '../../../errors/error-facts.ts'
import { bulkhead, type CacheOptions, cache, circuitBreaker, type Operation, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { DOWN, deferred, fail, NOT_FOUND, setUp } from './setup.ts'

describe('within staleIfError', () => {
  async function stale(options: Partial<CacheOptions> = {}) {
    const set = setUp({ ttl: '1s', staleIfError: '10s', ...options })
    await set.run(() => 'old')
    await set.clock.advance('1s')
    return set
  }

  test('the stale value replaces a failure, and the event `stale` is emitted', async () => {
    const { clock, s, run, status } = await stale()
    const events: unknown[] = []
    s.on('stale', (event) => events.push(event))
    expect(await run(fail)).toBe('old')
    expect(
      await run(() => {
        throw undefined
      }),
    ).toBe('old')
    expect(events).toEqual([
      { shield: 's', policy: 'cache', error: DOWN, ageMs: 1_000, refresh: false },
      { shield: 's', policy: 'cache', error: undefined, ageMs: 1_000, refresh: false },
    ])
    expect(status()).toEqual({ entries: 1, hits: 0, stale: 2, misses: 1 })
    await clock.advance(9_999)
    expect(await run(fail)).toBe('old')
    await clock.advance(1)
    expect(await run(fail)).toBe('error: down')
    expect(status()).toEqual({ entries: 1, hits: 0, stale: 3, misses: 2 })
  })

  test('the age is measured when the failure occurs', async () => {
    const { clock, run } = await stale()
    const late = run(() => new Promise((_, reject) => clock.setTimer(() => reject(DOWN), 10_000)))
    await clock.advance('10s')
    expect(await late).toBe('error: down')
  })

  test('the operation runs on every call, and its success replaces the value', async () => {
    const { run } = await stale()
    expect([await run(fail), await run(() => 'new'), await run(fail)]).toEqual(['old', 'new', 'new'])
  })

  test('the stale value replaces an inner open circuit, full bulkhead and timeout', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker()
    const values = cache({ ttl: '1s', staleIfError: '10s' })
    const s = shield({ name: 's', clock }, values, breaker, bulkhead({ limit: 1 }), timeout('2s'))
    await s.run(() => 'old', { key: 'k' })
    await clock.advance('1s')
    const slow = s.run(() => new Promise(() => {}), { key: 'k' })
    expect(await s.run(() => 'full', { key: 'k' })).toBe('old')
    await clock.advance('2s')
    expect(await slow).toBe('old')
    // A refusal counts as one even if its kind and verdict say otherwise.
    const limited = Object.assign(new Error('limited'), {
      [FACTS]: { code: 'LIMITED', status: 429, kind: 'business', verdict: 'ignored', refusal: true },
    })
    expect(await s.run(() => Promise.reject(limited), { key: 'k' })).toBe('old')
    breaker.isolate()
    expect(await s.run(() => 'open', { key: 'k' })).toBe('old')
    await expect(s.run(() => 'open', { key: 'other' })).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' })
  })

  test("the stale value does not replace the caller's abort or a deadline", async () => {
    const { clock, s, run, status } = await stale()
    const controller = new AbortController()
    const aborted = run(
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(DOWN))),
      'k',
      {
        signal: controller.signal,
      },
    )
    controller.abort(new Error('gone'))
    expect(await aborted).toBe('error: gone')
    const ignoring = s.run(() => new Promise(() => {}), { key: 'k', deadline: '1s' }).catch((error) => error.code)
    await clock.advance('1s')
    expect(await ignoring).toBe('DEADLINE_EXCEEDED')
    const listener = vi.fn()
    s.on('stale', listener)
    const rejectsOnAbort: Operation<unknown> = ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(DOWN)))
    const late = s.run(rejectsOnAbort, { key: 'k', deadline: '1s' }).catch((error) => error.code)
    await clock.advance('1s')
    expect([await late, listener.mock.calls]).toEqual(['DEADLINE_EXCEEDED', []])
    expect(await run(() => 'never', 'k', { signal: AbortSignal.abort(new Error('before')) })).toBe('error: before')
    expect(status()).toMatchObject({ stale: 0 })
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  test('a business error is thrown and removes the old value', async () => {
    const { run } = await stale()
    expect(await run(() => Promise.reject(NOT_FOUND))).toBe('error: not found')
    expect(await run(fail)).toBe('error: down')
  })

  test('an error with verdict `success` removes the old value; `ignored` keeps it', async () => {
    const { run } = await stale()
    const withFacts = (verdict: string) =>
      Object.assign(new Error(verdict), { [FACTS]: { code: 'X', status: 500, kind: 'technical', verdict } })
    expect(await run(() => Promise.reject(withFacts('ignored')))).toBe('error: ignored')
    expect(await run(fail)).toBe('old')
    expect(await run(() => Promise.reject(withFacts('success')))).toBe('error: success')
    expect(await run(fail)).toBe('error: down')
  })

  test('a business error of a run that started before the value was stored does not remove it', async () => {
    const { run } = await stale()
    const { operation, calls } = deferred()
    const before = run(operation)
    expect(await run(() => 'new')).toBe('new')
    calls[0]?.reject(NOT_FOUND)
    expect([await before, await run(fail)]).toEqual(['error: not found', 'new'])
  })
})
