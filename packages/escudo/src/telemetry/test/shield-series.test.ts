import { describe, expect, test, vi } from 'vitest'
import { definePolicy } from '../../core/policy.ts'
import { shield } from '../../core/shield.ts'
import { adaptiveLimiter } from '../../policies/adaptive-limiter/adaptive-limiter.ts'
import { adaptiveThrottle } from '../../policies/adaptive-throttle/adaptive-throttle.ts'
import { bulkhead } from '../../policies/bulkhead/bulkhead.ts'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../policies/circuit-breaker/state/trips/trip.ts'
import { fallback } from '../../policies/fallback/fallback.ts'
import { rateLimiter } from '../../policies/rate-limiter/rate-limiter.ts'
import { retry } from '../../policies/retry/retry.ts'
import { constant } from '../../policies/retry/state/backoff.ts'
import { timeout } from '../../policies/timeout/timeout.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { collectGarbage, failing, metricsPerTest, scrapeOf, valuesOf } from './setup.ts'

const start = metricsPerTest()

describe('the series of a shield', () => {
  test('exist at zero as soon as the shield does, even if it is older than the metrics', () => {
    const older = shield('older', retry(), circuitBreaker({ trip: consecutive(3) }), timeout('1s', { name: 'attempt' }))
    const metrics = start()
    const younger = shield('younger', fallback(0), bulkhead({ limit: 3, queue: 2 }))
    expect(valuesOf(metrics, 'escudo_retry_executions_total', 'older')).toEqual({
      'retry successful_without_retry': 0,
      'retry successful_with_retry': 0,
      'retry failed_without_retry': 0,
      'retry failed_with_retry': 0,
      'retry ignored': 0,
    })
    expect(valuesOf(metrics, 'escudo_retry_attempts_total', 'older')).toEqual({ retry: 0 })
    expect(valuesOf(metrics, 'escudo_timeout_executions_total', 'older')).toEqual({
      'attempt in_time': 0,
      'attempt timed_out': 0,
      'attempt aborted': 0,
    })
    expect(valuesOf(metrics, 'escudo_circuit_breaker_executions_total', 'older')).toEqual({
      'circuitBreaker success': 0,
      'circuitBreaker failure': 0,
      'circuitBreaker ignored': 0,
      'circuitBreaker rejected': 0,
    })
    const changes = valuesOf(metrics, 'escudo_circuit_breaker_state_changes_total', 'older')
    expect(changes).toMatchObject({
      'circuitBreaker closed open 3 consecutive failures': 0,
      'circuitBreaker open half-open the open period ended': 0,
    })
    expect([Object.keys(changes).length, new Set(Object.values(changes))]).toEqual([19, new Set([0])])
    expect(valuesOf(metrics, 'escudo_circuit_breaker_state', 'older')).toEqual({
      'circuitBreaker closed': 1,
      'circuitBreaker open': 0,
      'circuitBreaker half-open': 0,
      'circuitBreaker isolated': 0,
      'circuitBreaker disabled': 0,
    })
    expect(valuesOf(metrics, 'escudo_bulkhead_limit', 'younger')).toEqual({ bulkhead: 3 })
    for (const name of ['in_use', 'queued', 'rejections_total']) {
      expect(valuesOf(metrics, `escudo_bulkhead_${name}`, 'younger')).toEqual({ bulkhead: 0 })
    }
    expect(valuesOf(metrics, 'escudo_fallback_uses_total', 'younger')).toEqual({ fallback: 0 })
    expect([older.name, younger.name]).toEqual(['older', 'younger'])
  })

  test('count rejections of an adaptive limiter with those of bulkheads, from zero on', async () => {
    const metrics = start()
    const limited = shield('limited', adaptiveLimiter({ max: 1 }))
    expect(valuesOf(metrics, 'escudo_bulkhead_rejections_total', 'limited')).toEqual({ adaptiveLimiter: 0 })
    void limited.run(() => new Promise(() => {}))
    await limited.run(() => 1).catch(() => {})
    expect(valuesOf(metrics, 'escudo_bulkhead_rejections_total', 'limited')).toEqual({ adaptiveLimiter: 1 })
  })

  test('count each outcome of rate limiters and throttles, rejections included, from zero on', async () => {
    const metrics = start()
    const clock = virtualClock()
    const rated = shield(
      { name: 'rated', clock, random: () => 0 },
      rateLimiter({ limit: 2, per: '1s', burst: 1, maxWait: 500 }),
      adaptiveThrottle(),
    )
    const name = 'escudo_rate_limiter_requests_total'
    expect(valuesOf(metrics, name, 'rated')).toEqual({
      'rateLimiter admitted': 0,
      'rateLimiter admitted_after_wait': 0,
      'rateLimiter aborted': 0,
      'rateLimiter rejected': 0,
      'adaptiveThrottle admitted': 0,
      'adaptiveThrottle rejected': 0,
    })
    const calls = [failing, () => 1, () => 1].map((operation) => rated.run(operation).catch(() => {}))
    await clock.advance('1s')
    await Promise.all(calls)
    expect(valuesOf(metrics, name, 'rated')).toEqual({
      'rateLimiter admitted': 1,
      'rateLimiter admitted_after_wait': 1,
      'rateLimiter aborted': 0,
      'rateLimiter rejected': 1,
      'adaptiveThrottle admitted': 1,
      'adaptiveThrottle rejected': 1,
    })
    expect(scrapeOf(metrics).samples.some((sample) => sample.name.startsWith('escudo_throttle'))).toBe(false)
  })

  test('count only what happens between createMetrics and close', async () => {
    const guarded = shield('counted', retry({ maxRetries: 1, backoff: constant(0) }))
    await guarded.run(() => 1)
    const metrics = start()
    await guarded.run(() => 1)
    await guarded.run(failing).catch(() => {})
    metrics.close()
    metrics.close()
    await guarded.run(() => 1)
    expect(valuesOf(metrics, 'escudo_retry_attempts_total', 'counted')).toEqual({ retry: 3 })
    expect(valuesOf(metrics, 'escudo_retry_executions_total', 'counted')).toMatchObject({
      'retry successful_without_retry': 1,
      'retry failed_with_retry': 1,
    })
  })

  test('keep the counters and drop the gauges of a garbage-collected shield', async () => {
    const metrics = start()
    const useShield = async (): Promise<void> => {
      await shield('gone', circuitBreaker(), bulkhead({ limit: 1 })).run(() => 1)
      metrics.scrape()
    }
    await useShield()
    await vi.waitFor(async () => {
      // A weak reference keeps its target alive until the current job ends.
      await new Promise((resolve) => setImmediate(resolve))
      collectGarbage()
      expect(valuesOf(metrics, 'escudo_bulkhead_limit', 'gone')).toEqual({})
    })
    expect(valuesOf(metrics, 'escudo_circuit_breaker_state', 'gone')).toEqual({})
    expect(valuesOf(metrics, 'escudo_circuit_breaker_executions_total', 'gone')['circuitBreaker success']).toBe(1)
  })

  test('are counted separately by two metrics', async () => {
    const guarded = shield('twice', timeout('1s'))
    const [first, second] = [start(), start()]
    await guarded.run(() => 1)
    second.close()
    await guarded.run(() => 1)
    const values = [first, second].map((metrics) => valuesOf(metrics, 'escudo_timeout_executions_total', 'twice'))
    expect(values.map((value) => value['timeout in_time'])).toEqual([2, 1])
  })
})

describe('names', () => {
  test('shields with one name share series: bulkheads add up, the last breaker sets the state', async () => {
    const [breaker, last] = [circuitBreaker(), circuitBreaker()]
    const same = [shield('same', breaker, bulkhead({ limit: 2 })), shield('same', last, bulkhead({ limit: 3 }))]
    const metrics = start()
    breaker.isolate()
    for (const guarded of same) await guarded.run(() => 1).catch(() => {})
    expect(valuesOf(metrics, 'escudo_bulkhead_limit', 'same')).toEqual({ bulkhead: 5 })
    expect(valuesOf(metrics, 'escudo_circuit_breaker_state', 'same')).toMatchObject({
      'circuitBreaker closed': 1,
      'circuitBreaker isolated': 0,
    })
    expect(valuesOf(metrics, 'escudo_circuit_breaker_executions_total', 'same')).toMatchObject({
      'circuitBreaker success': 1,
      'circuitBreaker rejected': 1,
    })
  })

  test('writes a hostile name of a shield so that it is read back unchanged', async () => {
    const name = '__proto__"} 1\n# TYPE x counter\nx 1\\'
    const metrics = start()
    const guarded = shield(name, retry({ name: 'constructor' }))
    await guarded.run(() => 1)
    expect(valuesOf(metrics, 'escudo_retry_attempts_total', name)).toEqual({ constructor: 1 })
    expect(scrapeOf(metrics).types.has('x')).toBe(false)
  })

  test('does not count a custom policy that has the name of a built-in one', async () => {
    const metrics = start()
    const custom = definePolicy({ name: 'circuitBreaker', wrap: (next) => next })
    const guarded = shield('custom', custom)
    expect(await guarded.run(() => 1)).toBe(1)
    expect(() => metrics.scrape()).not.toThrow()
  })
})
