import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test, vi } from 'vitest'
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
import { readScrape, type Scrape } from '../metrics/test/setup.ts'
import { createMetrics, type Metrics, type MetricsOptions } from '../metrics.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

let open: Metrics[] = []
afterEach(() => {
  for (const metrics of open) metrics.close()
  open = []
})
function start(options?: MetricsOptions): Metrics {
  const metrics = createMetrics(options)
  open.push(metrics)
  return metrics
}
const read = (metrics: Metrics): Scrape => readScrape(metrics.scrape().body)
const down = (): Promise<number> => Promise.reject(new Error('down'))

/** The values of one metric of one shield, by what else their labels say. */
function valuesOf(metrics: Metrics, name: string, of: string): Readonly<Record<string, number>> {
  const mine = read(metrics).samples.filter((one) => one.name === name && one.labels['escudo_shield'] === of)
  return Object.fromEntries(
    mine.map(({ labels: { escudo_shield: _, ...rest }, value }) => [Object.values(rest).join(' '), value]),
  )
}

describe('the series of a shield', () => {
  test('are all there, at zero, from the moment that the shield is; also of one that is older than the metrics', () => {
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
    expect([Object.keys(changes).length, new Set(Object.values(changes))]).toEqual([17, new Set([0])])
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

  test('count the refusals of an adaptive limiter with those of bulkheads, from zero on', async () => {
    const metrics = start()
    const limited = shield('limited', adaptiveLimiter({ max: 1 }))
    expect(valuesOf(metrics, 'escudo_bulkhead_rejections_total', 'limited')).toEqual({ adaptiveLimiter: 0 })
    void limited.run(() => new Promise(() => {}))
    await limited.run(() => 1).catch(() => {})
    expect(valuesOf(metrics, 'escudo_bulkhead_rejections_total', 'limited')).toEqual({ adaptiveLimiter: 1 })
  })

  test('of rate limiters and throttles: each outcome at zero, then what happens, refusals included', async () => {
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
    const calls = [down, () => 1, () => 1].map((operation) => rated.run(operation).catch(() => {}))
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
    expect(read(metrics).samples.some(({ name: one }) => one.startsWith('escudo_throttle'))).toBe(false)
  })

  test('count what happens, and nothing from before the metrics or after their end', async () => {
    const guarded = shield('counted', retry({ maxRetries: 1, backoff: constant(0) }))
    await guarded.run(() => 1)
    const metrics = start()
    await guarded.run(() => 1)
    await guarded.run(down).catch(() => {})
    metrics.close()
    metrics.close()
    await guarded.run(() => 1)
    expect(valuesOf(metrics, 'escudo_retry_attempts_total', 'counted')).toEqual({ retry: 3 })
    expect(valuesOf(metrics, 'escudo_retry_executions_total', 'counted')).toMatchObject({
      'retry successful_without_retry': 1,
      'retry failed_with_retry': 1,
    })
  })

  test('of a shield that is gone the counters stay and the gauges go: to be watched keeps nothing alive', async () => {
    const metrics = start()
    const made = async (): Promise<void> => {
      await shield('gone', circuitBreaker(), bulkhead({ limit: 1 })).run(() => 1)
      metrics.scrape()
    }
    await made()
    await vi.waitFor(async () => {
      // A weak reference holds what it was asked for until the current job is over.
      await new Promise((resolve) => setImmediate(resolve))
      collect()
      expect(valuesOf(metrics, 'escudo_bulkhead_limit', 'gone')).toEqual({})
    })
    expect(valuesOf(metrics, 'escudo_circuit_breaker_state', 'gone')).toEqual({})
    expect(valuesOf(metrics, 'escudo_circuit_breaker_executions_total', 'gone')['circuitBreaker success']).toBe(1)
  })

  test('two registries count apart', async () => {
    const guarded = shield('twice', timeout('1s'))
    const [one, other] = [start(), start()]
    await guarded.run(() => 1)
    other.close()
    await guarded.run(() => 1)
    const values = [one, other].map((metrics) => valuesOf(metrics, 'escudo_timeout_executions_total', 'twice'))
    expect(values.map((value) => value['timeout in_time'])).toEqual([2, 1])
  })
})

describe('circuit breaker', () => {
  test('through an outage: refusals, changes and the state, half-open by time alone', async () => {
    const clock = virtualClock()
    const guarded = shield({ name: 'outage', clock }, circuitBreaker({ trip: consecutive(2), openFor: '10s' }))
    const metrics = start()
    const state = (): string | undefined =>
      Object.entries(valuesOf(metrics, 'escudo_circuit_breaker_state', 'outage')).find(([, value]) => value === 1)?.[0]
    await guarded.run(down).catch(() => {})
    await guarded.run(down).catch(() => {})
    for (let call = 0; call < 3; call += 1) await guarded.run(() => 1).catch(() => {})
    expect(state()).toBe('circuitBreaker open')
    await clock.advance('10s')
    expect(state()).toBe('circuitBreaker half-open')
    await guarded.run(() => 1)
    expect(state()).toBe('circuitBreaker closed')
    expect(valuesOf(metrics, 'escudo_circuit_breaker_executions_total', 'outage')).toEqual({
      'circuitBreaker success': 1,
      'circuitBreaker failure': 2,
      'circuitBreaker ignored': 0,
      'circuitBreaker rejected': 3,
    })
    const changes = valuesOf(metrics, 'escudo_circuit_breaker_state_changes_total', 'outage')
    expect(Object.entries(changes).filter(([, value]) => value > 0)).toEqual([
      ['circuitBreaker closed open 2 consecutive failures', 1],
      ['circuitBreaker half-open closed the probes succeeded', 1],
      ['circuitBreaker open half-open the open period ended', 1],
    ])
    expect(Object.keys(changes)).toHaveLength(17)
  })

  test('one breaker in two shields has its state in both', () => {
    const breaker = circuitBreaker()
    const both = [shield('left', breaker), shield('right', breaker)]
    const metrics = start()
    breaker.isolate()
    for (const { name } of both) {
      expect(valuesOf(metrics, 'escudo_circuit_breaker_state', name)['circuitBreaker isolated']).toBe(1)
      expect(
        valuesOf(metrics, 'escudo_circuit_breaker_state_changes_total', name)[
          'circuitBreaker closed isolated isolated manually'
        ],
      ).toBe(1)
    }
  })
})

test('bulkhead: places, queue and refusals, as they are and as they were', async () => {
  const metrics = start()
  const guarded = shield('busy', bulkhead({ limit: 2, queue: 1 }))
  const releases: (() => void)[] = []
  const calls = Array.from({ length: 5 }, () =>
    guarded.run(() => new Promise<void>((resolve) => releases.push(resolve))).catch(() => 'refused'),
  )
  await Promise.resolve()
  const now = (): readonly (number | undefined)[] =>
    ['in_use', 'queued', 'limit', 'rejections_total'].map(
      (name) => valuesOf(metrics, `escudo_bulkhead_${name}`, 'busy')['bulkhead'],
    )
  expect(now()).toEqual([2, 1, 2, 2])
  while (releases.length > 0) {
    for (const release of releases.splice(0)) release()
    await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(calls)
  expect(now()).toEqual([0, 0, 2, 2])
})

describe('names', () => {
  test('shields of one name share their series: bulkheads add up, the state is of the breaker built last', async () => {
    const [breaker, last] = [circuitBreaker(), circuitBreaker()]
    const same = [shield('same', breaker, bulkhead({ limit: 2 })), shield('same', last, bulkhead({ limit: 3 }))]
    const metrics = start()
    breaker.isolate()
    for (const one of same) await one.run(() => 1).catch(() => {})
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

  test('hostile names come through as they are', async () => {
    const name = '__proto__"} 1\n# TYPE x counter\nx 1\\'
    const metrics = start()
    const guarded = shield(name, retry({ name: 'constructor' }))
    await guarded.run(() => 1)
    expect(valuesOf(metrics, 'escudo_retry_attempts_total', name)).toEqual({ constructor: 1 })
    expect(read(metrics).types.has('x')).toBe(false)
  })

  test('a policy of somebody else is in a shield without being counted', async () => {
    const metrics = start()
    const own = definePolicy({ name: 'circuitBreaker', wrap: (next) => next })
    const guarded = shield('foreign', own)
    expect(await guarded.run(() => 1)).toBe(1)
    expect(() => metrics.scrape()).not.toThrow()
  })
})

describe('the bound', () => {
  test('more shields than series: what is beyond is in one series and is counted, nothing is lost', async () => {
    const metrics = start({ maxSeries: 10 })
    const many = Array.from({ length: 100 }, (_, index) => shield(`many-${index}`, retry(), bulkhead({ limit: 1 })))
    for (const one of many) await one.run(() => 1)
    const scrape = read(metrics)
    const attempts = scrape.samples.filter(({ name }) => name === 'escudo_retry_attempts_total')
    expect(attempts).toHaveLength(11)
    expect(scrape.sum('escudo_retry_attempts_total')).toBe(100)
    expect(scrape.sum('escudo_retry_attempts_total', { otel_metric_overflow: 'true' })).toBe(90)
    expect(scrape.sum('escudo_metrics_folded_total', { metric: 'escudo_retry_attempts_total' })).toBe(90)
    expect(scrape.sum('escudo_bulkhead_limit')).toBeGreaterThanOrEqual(100)
    for (const [name] of scrape.types) {
      if (name === 'escudo_metrics_folded_total') continue
      expect(scrape.samples.filter((one) => one.name === name).length, name).toBeLessThanOrEqual(11)
    }
  })

  test('an option that cannot work is an error that names it', () => {
    expect(() => createMetrics({ maxSeries: 0 })).toThrow(/createMetrics\.maxSeries/)
    expect(() => createMetrics({ maxSerie: 5 } as never)).toThrow(/createMetrics\.maxSerie/)
    expect(() => createMetrics(5 as never)).toThrow(/createMetrics/)
  })
})

describe('the form', () => {
  const PROMETHEUS_2 =
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
  const PROMETHEUS_3 =
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1'

  test.each([
    ['Prometheus 2', PROMETHEUS_2, true],
    ['Prometheus 3', PROMETHEUS_3, true],
    ['none', undefined, false],
    ['a browser', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', false],
    ['anything', '*/*', false],
    ['anything rather than plain text', '*/*,text/plain;q=0.5', false],
    ['plain text preferred', 'text/plain;q=1,application/openmetrics-text;q=0.5', false],
    ['OpenMetrics refused', 'application/openmetrics-text;q=0', false],
    ['rubbish', ';;;,,q=\0"', false],
    ['far too long', 'application/openmetrics-text,'.repeat(10_000), false],
  ])('%s', (_, accept, isOpen) => {
    const { contentType, body } = start().scrape(accept)
    expect(contentType).toBe(
      isOpen
        ? 'application/openmetrics-text; version=1.0.0; charset=utf-8'
        : 'text/plain; version=0.0.4; charset=utf-8',
    )
    expect(body.endsWith('# EOF\n')).toBe(isOpen)
  })
})

test('a state that reading it changes is counted in the same scrape', async () => {
  // A clock whose timers never fire: only looking finds out that the time is over.
  let now = 0
  const clock = { now: () => now, setTimer: () => () => {} }
  const guarded = shield({ name: 'looked-at', clock }, circuitBreaker({ trip: consecutive(1), openFor: '1s' }))
  const metrics = start()
  await guarded.run(down).catch(() => {})
  now = 2_000
  const scrape = read(metrics)
  expect(scrape.sum('escudo_circuit_breaker_state', { escudo_shield: 'looked-at', state: 'half-open' })).toBe(1)
  expect(
    scrape.sum('escudo_circuit_breaker_state_changes_total', { escudo_shield: 'looked-at', to: 'half-open' }),
  ).toBe(1)
})

test('a status that throws costs its own series, is reported once, and reaches no other', () => {
  const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const metrics = start()
  const foreign = {
    name: 'foreign',
    type: 'circuitBreaker',
    settings: {},
    wrap: (next: never) => next,
    status: () => {
      throw new Error('no status')
    },
  }
  const both = [shield('broken', foreign as never), shield('whole', circuitBreaker())]
  for (let scrape = 0; scrape < 3; scrape += 1) {
    expect(valuesOf(metrics, 'escudo_circuit_breaker_state', 'broken')).toEqual({})
    expect(valuesOf(metrics, 'escudo_circuit_breaker_state', 'whole')['circuitBreaker closed']).toBe(1)
  }
  expect(warning.mock.calls.map(([text]) => text)).toEqual([expect.stringContaining('no status')])
  expect(both).toHaveLength(2)
  warning.mockRestore()
})
