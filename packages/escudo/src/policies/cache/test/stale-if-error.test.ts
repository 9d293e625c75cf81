import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { FACTS } from '../../../errors/error-facts.ts'
import { bulkhead, type CacheOptions, cache, circuitBreaker, type Operation, shield, timeout } from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { DOWN, fail, held, NOT_FOUND, setUp } from './setup.ts'

describe('within staleIfError', () => {
  async function stale(options: Partial<CacheOptions> = {}) {
    const set = setUp({ ttl: '1s', staleIfError: '10s', ...options })
    await set.ask(() => 'old')
    await set.clock.advance('1s')
    return set
  }

  test('a failure is answered with the stale value, and told', async () => {
    const { clock, s, ask, status } = await stale()
    const heard: unknown[] = []
    s.on('stale', (event) => heard.push(event))
    expect(await ask(fail)).toBe('old')
    expect(
      await ask(() => {
        throw undefined
      }),
    ).toBe('old')
    expect(heard).toEqual([
      { shield: 's', policy: 'cache', error: DOWN, ageMs: 1_000, refresh: false },
      { shield: 's', policy: 'cache', error: undefined, ageMs: 1_000, refresh: false },
    ])
    expect(status()).toEqual({ entries: 1, hits: 0, stale: 2, misses: 1 })
    await clock.advance(9_999)
    expect(await ask(fail)).toBe('old')
    await clock.advance(1)
    expect(await ask(fail)).toBe('error: down')
    expect(status()).toEqual({ entries: 1, hits: 0, stale: 3, misses: 2 })
  })

  test('it is measured when the failure comes', async () => {
    const { clock, ask } = await stale()
    const late = ask(() => new Promise((_, reject) => clock.setTimer(() => reject(DOWN), 10_000)))
    await clock.advance('10s')
    expect(await late).toBe('error: down')
  })

  test('the operation is asked every time, and its success is the value', async () => {
    const { ask } = await stale()
    expect([await ask(fail), await ask(() => 'new'), await ask(fail)]).toEqual(['old', 'new', 'new'])
  })

  test('a refusal from inside is answered with it: an open circuit, a full bulkhead; so is a timeout', async () => {
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
    // Whatever else it says of itself.
    const limited = Object.assign(new Error('limited'), {
      [FACTS]: { code: 'LIMITED', status: 429, kind: 'business', verdict: 'ignored', refusal: true },
    })
    expect(await s.run(() => Promise.reject(limited), { key: 'k' })).toBe('old')
    breaker.isolate()
    expect(await s.run(() => 'open', { key: 'k' })).toBe('old')
    await expect(s.run(() => 'open', { key: 'other' })).rejects.toMatchObject({ code: 'CIRCUIT_OPEN' })
  })

  test("the caller's own abort is not, nor a deadline: they settle at once, with their own reason", async () => {
    const { clock, s, ask, status } = await stale()
    const controller = new AbortController()
    const aborted = ask(
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(DOWN))),
      'k',
      {
        signal: controller.signal,
      },
    )
    controller.abort(new Error('gone'))
    expect(await aborted).toBe('error: gone')
    const deaf = s.run(() => new Promise(() => {}), { key: 'k', deadline: '1s' }).catch((error) => error.code)
    await clock.advance('1s')
    expect(await deaf).toBe('DEADLINE_EXCEEDED')
    const heard = vi.fn()
    s.on('stale', heard)
    const hears: Operation<unknown> = ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(DOWN)))
    const late = s.run(hears, { key: 'k', deadline: '1s' }).catch((error) => error.code)
    await clock.advance('1s')
    expect([await late, heard.mock.calls]).toEqual(['DEADLINE_EXCEEDED', []])
    expect(await ask(() => 'never', 'k', { signal: AbortSignal.abort(new Error('before')) })).toBe('error: before')
    expect(status()).toMatchObject({ stale: 0 })
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  test('a business error is not, and ends the old value: it does not stand in for the next failure', async () => {
    const { ask } = await stale()
    expect(await ask(() => Promise.reject(NOT_FOUND))).toBe('error: not found')
    expect(await ask(fail)).toBe('error: down')
  })

  test('nor is an error that says that the dependency did its part; one that says nothing keeps the old value', async () => {
    const { ask } = await stale()
    const withFacts = (verdict: string) =>
      Object.assign(new Error(verdict), { [FACTS]: { code: 'X', status: 500, kind: 'technical', verdict } })
    expect(await ask(() => Promise.reject(withFacts('ignored')))).toBe('error: ignored')
    expect(await ask(fail)).toBe('old')
    expect(await ask(() => Promise.reject(withFacts('success')))).toBe('error: success')
    expect(await ask(fail)).toBe('error: down')
  })

  test('a business error of a run that began before the value came does not end it', async () => {
    const { ask } = await stale()
    const { operation, ends } = held()
    const before = ask(operation)
    expect(await ask(() => 'new')).toBe('new')
    ends[0]?.reject(NOT_FOUND)
    expect([await before, await ask(fail)]).toEqual(['error: not found', 'new'])
  })
})
