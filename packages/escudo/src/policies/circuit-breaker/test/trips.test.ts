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
import { fail, setUp, taking } from './setup.ts'

describe('slowCallRate', () => {
  const trip = slowCallRate({ threshold: 0.5, slowerThan: '2s', window: '60s', minimumCalls: 4 })

  test('trips at its threshold; slow successes count, and a call exactly at the limit is not slow', async () => {
    const { clock, breaker, s, status } = setUp({ trip })
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

  test('counts slow failures, but not fast ones', async () => {
    const { clock, s, times, status, changes } = setUp({ trip })
    await times(6, fail)
    expect(status()).toMatchObject({ state: 'closed', failures: 0, calls: 6 })
    for (let n = 0; n < 6; n += 1) {
      const call = s.run(taking(clock, 3_000, 'down')).catch(() => {})
      await clock.advance(3_000)
      await call
    }
    expect(changes).toMatchObject([{ to: 'open', reason: 'slow call rate of 50 %' }])
  })

  test('the duration of an attempt that an outer timeout cancels is that of the timeout', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: slowCallRate({ threshold: 1, slowerThan: '1s', minimumCalls: 1 }) })
    const s = shield({ name: 's', clock }, timeout('2s'), breaker)
    const call = s.run(() => new Promise(() => {})).catch((error) => error.code)
    await clock.advance('2s')
    expect(await call).toBe('TIMEOUT')
    expect(breaker.state).toBe('open')
  })

  test('ignores a call that its caller aborts before it is slow', async () => {
    const { clock, breaker, s } = setUp({ trip: slowCallRate({ threshold: 1, slowerThan: '1s', minimumCalls: 1 }) })
    const controller = new AbortController()
    const call = s.run(() => new Promise(() => {}), { signal: controller.signal }).catch(() => {})
    await clock.advance('1s')
    controller.abort()
    await call
    await clock.advance('1h')
    expect([breaker.state, clock.pending]).toEqual(['closed', 0])
  })

  test('does not count the wait for an outer queue or retry as part of the call', async () => {
    const clock = virtualClock()
    const breaker = circuitBreaker({ trip: slowCallRate({ threshold: 1, slowerThan: '1s', minimumCalls: 1 }) })
    const s = shield(
      { name: 's', clock },
      timeout('1h'),
      retry({ maxRetries: 1, backoff: constant('5s') }),
      bulkhead({ limit: 1, queue: 1 }),
      breaker,
    )
    const first = s.run(taking(clock, 1_000))
    // Waits 1 s for a permit of the bulkhead, fails immediately, and is retried after 5 s.
    let attempt = 0
    const second = s.run(async () => {
      attempt += 1
      if (attempt === 1) throw new Error('down')
      await taking(clock, 900)()
      return attempt
    })
    await clock.advance('10s')
    expect([await first, await second]).toEqual(['ok', 2])
    expect(breaker.state).toBe('closed')
  })

  test('a slow probe counts as failed, a fast one as succeeded', async () => {
    const { clock, s, changes } = setUp({ trip: anyTrip(consecutive(1), trip), openFor: '10s' })
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

describe('anyTrip', () => {
  const trip = anyTrip(
    failureRate({ threshold: 0.5, window: { calls: 4 }, minimumCalls: 4 }),
    slowCallRate({ threshold: 0.5, slowerThan: '1s', window: { calls: 2 }, minimumCalls: 2 }),
  )

  test('opens with the reason and the count of the trip that tripped', async () => {
    const byFailures = setUp({ trip })
    await byFailures.times(2, () => 1)
    await byFailures.times(2, fail)
    expect(byFailures.changes).toMatchObject([{ reason: 'failure rate of 50 %' }])
    expect(byFailures.status()).toMatchObject({ state: 'open', failures: 2, calls: 4 })

    const bySlowness = setUp({ trip })
    await bySlowness.times(1, () => 1)
    const slow = bySlowness.s.run(taking(bySlowness.clock, 1_001))
    await bySlowness.clock.advance(1_001)
    await slow
    expect(bySlowness.changes).toMatchObject([{ reason: 'slow call rate of 50 %' }])
    expect(bySlowness.status()).toMatchObject({ state: 'open', failures: 1, calls: 2 })
  })

  test('shows the count of the first trip while closed, and resets all trips after closing', async () => {
    const { clock, status, times } = setUp({ trip })
    await times(2, () => 1)
    await times(1, fail)
    expect(status()).toMatchObject({ state: 'closed', failures: 1, calls: 3 })
    await times(1, fail)
    await clock.advance('10s')
    await times(1, () => 1)
    expect(status()).toMatchObject({ state: 'closed', failures: 0, calls: 0 })
  })
})

describe('the Retry-After of the dependency extends the open period', () => {
  const busy = (retryAfterMs: unknown) => () => Promise.reject(Object.assign(new Error('busy'), { retryAfterMs }))

  test.each([
    ['longer than the configured open period', 25_000, 25_000],
    ['shorter than the configured open period', 1_000, 10_000],
    ['longer than a minute', 3_600_000, 60_000],
    ['infinite', Number.POSITIVE_INFINITY, 60_000],
    ['negative', -1, 10_000],
    ['NaN', Number.NaN, 10_000],
    ['a string', '25000', 10_000],
  ])('a hint that is %s', async (_what, hintMs, openMs) => {
    const { clock, breaker, errorOf } = setUp()
    await errorOf(busy(hintMs))
    expect(await errorOf(() => 1)).toMatchObject({ code: 'CIRCUIT_OPEN', retryAfterMs: openMs })
    await clock.advance(openMs - 1)
    expect(breaker.state).toBe('open')
    await clock.advance(1)
    expect(breaker.state).toBe('half-open')
  })

  test('uses the hint of the failure that opens the circuit, also of a probe, not earlier ones', async () => {
    const { clock, errorOf } = setUp({ trip: consecutive(2) })
    await errorOf(busy(50_000))
    await errorOf(fail)
    expect(await errorOf(() => 1)).toMatchObject({ retryAfterMs: 10_000 })
    await clock.advance('10s')
    await errorOf(busy(30_000))
    expect(await errorOf(() => 1)).toMatchObject({ retryAfterMs: 30_000 })
  })

  test('ignores the hint of an outcome that is not a failure', async () => {
    const { breaker, errorOf } = setUp({ classify: (outcome) => (outcome.ok ? 'success' : 'ignored') })
    await errorOf(busy(50_000))
    expect(breaker.state).toBe('closed')
  })

  test.each(['fetch', 'throw'] as const)('works through resilientFetch with errors: %s', async (errors) => {
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
