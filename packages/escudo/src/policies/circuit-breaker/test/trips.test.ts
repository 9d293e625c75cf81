import { describe, expect, test } from 'vitest'
import { resilientFetch } from '../../../http/index.ts'
import {
  anyTrip,
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  failureRate,
  retry,
  shield,
  slowCallRate,
  timeout,
} from '../../../index.ts'
import { virtualClock } from '../../../testing/virtual-clock.ts'
import { bench, fail, taking } from './setup.ts'

describe('trip by slow-call rate', () => {
  const trip = slowCallRate({ threshold: 0.5, slowerThan: '2s', window: '60s', minimumCalls: 4 })

  test('at or above its threshold: a slow success counts, and one at the limit is not slow', async () => {
    const { clock, breaker, s, status } = bench({ trip })
    for (const ms of [2_000, 2_000, 2_001]) {
      const call = s.run(taking(clock, ms))
      await clock.advance(ms)
      await call
    }
    expect(status()).toMatchObject({ state: 'closed', failures: 1, calls: 3 })
    const call = s.run(taking(clock, 2_001))
    await clock.advance(2_001)
    await call
    expect(status()).toMatchObject({ state: 'open', failures: 2, calls: 4 })
    expect(breaker.state).toBe('open')
  })

  test('a slow failure counts, a quick one does not', async () => {
    const { clock, s, times, status, changes } = bench({ trip })
    await times(6, fail)
    expect(status()).toMatchObject({ state: 'closed', failures: 0, calls: 6 })
    for (let n = 0; n < 6; n += 1) {
      const call = s.run(taking(clock, 3_000, 'down')).catch(() => {})
      await clock.advance(3_000)
      await call
    }
    expect(changes).toMatchObject([{ to: 'open', reason: 'slow call rate of 50 %' }])
  })

  test('an attempt that a timeout further out cuts off took as long as the timeout', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: slowCallRate({ threshold: 1, slowerThan: '1s', minimumCalls: 1 }) })
    const s = shield({ name: 's', clock }, timeout('2s'), breaker)
    const call = s.run(() => new Promise(() => {})).catch((error) => error.code)
    await clock.advance('2s')
    expect(await call).toBe('TIMEOUT')
    expect(breaker.state).toBe('open')
  })

  test("a slow call that its caller aborted is ignored: the caller's patience says nothing about the dependency", async () => {
    const { clock, breaker, s } = bench({ trip: slowCallRate({ threshold: 1, slowerThan: '1s', minimumCalls: 1 }) })
    const controller = new AbortController()
    const call = s.run(() => new Promise(() => {}), { signal: controller.signal }).catch(() => {})
    await clock.advance('5s')
    controller.abort()
    await call
    expect(breaker.state).toBe('closed')
  })

  test('waiting further out, in a queue or for a retry, is no part of the call', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: slowCallRate({ threshold: 1, slowerThan: '1s', minimumCalls: 1 }) })
    const s = shield(
      { name: 's', clock },
      timeout('1h'),
      retry({ maxRetries: 1, backoff: constant('5s') }),
      bulkhead({ limit: 1, queue: 1 }),
      breaker,
    )
    const one = s.run(taking(clock, 1_000))
    // Waits a second for its place, fails at once, and is made again after five.
    let attempt = 0
    const other = s.run(async () => {
      attempt += 1
      if (attempt === 1) throw new Error('down')
      await taking(clock, 900)()
      return attempt
    })
    await clock.advance('10s')
    expect([await one, await other]).toEqual(['ok', 2])
    expect(breaker.state).toBe('closed')
  })

  test('a slow probe has failed, and a quick one has succeeded', async () => {
    const { clock, s, changes } = bench({ trip: anyTrip(consecutive(1), trip), openFor: '10s' })
    await s.run(fail).catch(() => {})
    await clock.advance('10s')
    const slow = s.run(taking(clock, 2_001))
    await clock.advance('10s')
    expect(await slow).toBe('ok')
    await clock.advance('2001ms')
    const quick = s.run(taking(clock, 2_000))
    await clock.advance('2s')
    await quick
    expect(changes.map(({ to, reason }) => `${to}: ${reason}`)).toEqual([
      'open: 1 consecutive failures',
      'half-open: the open period ended',
      'open: a probe was too slow',
      'half-open: the open period ended',
      'closed: the probes succeeded',
    ])
  })
})

describe('any of several', () => {
  const trip = anyTrip(
    failureRate({ threshold: 0.5, window: { calls: 4 }, minimumCalls: 4 }),
    slowCallRate({ threshold: 0.5, slowerThan: '1s', window: { calls: 2 }, minimumCalls: 2 }),
  )

  test('opens by whichever trips, with its reason and its count', async () => {
    const byFailures = bench({ trip })
    await byFailures.times(2, () => 1)
    await byFailures.times(2, fail)
    expect(byFailures.changes).toMatchObject([{ reason: 'failure rate of 50 %' }])
    expect(byFailures.status()).toMatchObject({ state: 'open', failures: 2, calls: 4 })

    const bySlowness = bench({ trip })
    await bySlowness.times(1, () => 1)
    const slow = bySlowness.s.run(taking(bySlowness.clock, 1_001))
    await bySlowness.clock.advance(1_001)
    await slow
    expect(bySlowness.changes).toMatchObject([{ reason: 'slow call rate of 50 %' }])
    expect(bySlowness.status()).toMatchObject({ state: 'open', failures: 1, calls: 2 })
  })

  test('shows the count of the first while it is closed, and begins all of them anew after closing', async () => {
    const { clock, status, times } = bench({ trip })
    await times(2, () => 1)
    await times(1, fail)
    expect(status()).toMatchObject({ state: 'closed', failures: 1, calls: 3 })
    await times(1, fail)
    await clock.advance('10s')
    await times(1, () => 1)
    expect(status()).toMatchObject({ state: 'closed', failures: 0, calls: 0 })
  })
})

describe('Retry-After of the dependency honoured as open time', () => {
  const busy = (retryAfterMs: unknown) => () => Promise.reject(Object.assign(new Error('busy'), { retryAfterMs }))

  test.each([
    ['longer than the own open time', 25_000, 25_000],
    ['shorter than the own open time', 1_000, 10_000],
    ['longer than a minute', 3_600_000, 60_000],
    ['endless', Number.POSITIVE_INFINITY, 60_000],
    ['negative', -1, 10_000],
    ['no number', Number.NaN, 10_000],
    ['a text', '25000', 10_000],
  ])('a hint that is %s', async (_what, hintMs, openMs) => {
    const { clock, breaker, errorOf } = bench()
    await errorOf(busy(hintMs))
    expect(await errorOf(() => 1)).toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: openMs })
    await clock.advance(openMs - 1)
    expect(breaker.state).toBe('open')
    await clock.advance(1)
    expect(breaker.state).toBe('half-open')
  })

  test('is that of the failure that opens, also of a probe, and not of those before', async () => {
    const { clock, errorOf } = bench({ trip: consecutive(2) })
    await errorOf(busy(50_000))
    await errorOf(fail)
    expect(await errorOf(() => 1)).toMatchObject({ retryAfterMs: 10_000 })
    await clock.advance('10s')
    await errorOf(busy(30_000))
    expect(await errorOf(() => 1)).toMatchObject({ retryAfterMs: 30_000 })
  })

  test('counts for nothing in an outcome that is no failure', async () => {
    const { breaker, errorOf } = bench({ classify: (outcome) => (outcome.ok ? 'success' : 'ignored') })
    await errorOf(busy(50_000))
    expect(breaker.state).toBe('closed')
  })

  test.each(['fetch', 'throw'] as const)('through resilientFetch, errors: %s', async (errors) => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s' })
    let sent = 0
    const get = resilientFetch({
      name: 'inventory',
      baseUrl: 'http://inventory',
      shield: shield({ name: 'inventory', clock }, breaker),
      errors,
      fetch: async () => {
        sent += 1
        return new Response('', { status: 503, headers: { 'retry-after': '37' } })
      },
    })
    await get('/items').catch(() => {})
    await expect(get('/items')).rejects.toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: 37_000 })
    expect([breaker.state, sent]).toEqual(['open', 1])
  })
})
