import { spawnSync } from 'node:child_process'
import { Counter, Gauge, Registry } from 'prom-client'
import { afterEach, describe, expect, test } from 'vitest'
import { shield } from '../../../core/shield.ts'
import { circuitBreaker } from '../../../policies/circuit-breaker/circuit-breaker.ts'
import { retry } from '../../../policies/retry/retry.ts'
import { createMetrics, type Metrics, type MetricsOptions } from '../../metrics.ts'
import { NAMES } from './names.ts'
import { seriesOfRegistry, seriesOfText } from './setup.ts'

const open: Metrics[] = []
afterEach(() => {
  for (const metrics of open.splice(0)) metrics.close()
})

function start(options: MetricsOptions): Metrics {
  const metrics = createMetrics(options)
  open.push(metrics)
  return metrics
}

const ATTEMPTS = 'escudo_retry_attempts_total'

describe('createMetrics({ registry })', () => {
  test('adds its series to those of the user, and has a new shield at zero at once', async () => {
    const registry = new Registry()
    new Counter({ name: 'orders_total', help: 'Orders.', registers: [registry] }).inc()
    registry.setDefaultLabels({ app: 'shop' })
    start({ registry })
    const first = shield('first', retry())
    expect(await registry.metrics()).toMatch(
      /^escudo_retry_attempts_total\{escudo_shield="first",escudo_policy="retry",app="shop"\} 0$/m,
    )
    expect(await registry.metrics()).toMatch(/^orders_total\{app="shop"\} 1$/m)
    expect(first.name).toBe('first')
  })

  test('reads the state at each reading, also at two readings in one run', async () => {
    const registry = new Registry()
    start({ registry })
    const breaker = circuitBreaker()
    const guarded = shield('twice', breaker)
    const before = registry.metrics()
    breaker.isolate()
    const after = registry.metrics()
    const isolated =
      'escudo_circuit_breaker_state{escudo_shield="twice",escudo_policy="circuitBreaker",state="isolated"}'
    expect(await before).toContain(`${isolated} 0\n`)
    expect(await after).toContain(`${isolated} 1\n`)
    expect(guarded.name).toBe('twice')
  })

  test('reads values of a single metric, and as JSON with the aggregator of a cluster', async () => {
    const registry = new Registry()
    start({ registry })
    const guarded = shield('json', retry())
    await guarded.run(() => 1)
    expect(await registry.getSingleMetricAsString(ATTEMPTS)).toContain('escudo_shield="json",escudo_policy="retry"} 1')
    const json = (await registry.getMetricsAsJSON()).find(({ name }) => name === ATTEMPTS)
    expect(json).toMatchObject({ type: 'counter', aggregator: 'sum' })
    expect(json?.values).toContainEqual({ labels: { escudo_shield: 'json', escudo_policy: 'retry' }, value: 1 })
  })

  test('resetMetrics() of the registry keeps the counters, which belong to all faces', async () => {
    const registry = new Registry()
    const metrics = start({ registry })
    const guarded = shield('reset', retry())
    await guarded.run(() => 1)
    registry.resetMetrics()
    expect(new Map(await seriesOfRegistry(registry))).toEqual(new Map(seriesOfText(metrics.scrape().body)))
    expect(metrics.scrape().body).toContain(`${ATTEMPTS}{escudo_shield="reset",escudo_policy="retry"} 1\n`)
  })

  test('promtool, where it is installed, finds no problem in the text of the registry', async ({ skip }) => {
    const registry = new Registry()
    start({ registry })
    await shield('linted', retry(), circuitBreaker()).run(() => 1)
    const check = spawnSync('promtool', ['check', 'metrics'], { input: await registry.metrics(), encoding: 'utf8' })
    if (check.error !== undefined) skip()
    expect([check.status, check.stdout, check.stderr]).toEqual([0, '', ''])
  })
})

describe('close()', () => {
  test('removes the series from the registry, and leaves those of the user', async () => {
    const registry = new Registry()
    new Counter({ name: 'orders_total', help: 'Orders.', registers: [registry] })
    const metrics = start({ registry })
    expect(registry.getMetricsAsArray()).toHaveLength(NAMES.length + 1)
    metrics.close()
    metrics.close()
    expect(registry.getMetricsAsArray().map(({ name }) => name)).toEqual(['orders_total'])
    start({ registry })
    expect(registry.getMetricsAsArray()).toHaveLength(NAMES.length + 1)
  })

  test('leaves a metric that took a name after the registry was cleared', () => {
    const registry = new Registry()
    const metrics = start({ registry })
    registry.clear()
    const users = new Gauge({ name: ATTEMPTS, help: 'Mine.', registers: [registry] })
    metrics.close()
    expect(registry.getSingleMetric(ATTEMPTS)).toBe(users)
  })
})

describe('a registry that cannot be used', () => {
  test('has a metric of that name: the error names it, and nothing is registered or counted', async () => {
    const registry = new Registry()
    new Counter({ name: ATTEMPTS, help: 'Mine.', registers: [registry] })
    expect(() => createMetrics({ registry })).toThrow(
      expect.objectContaining({
        name: 'ConfigurationError',
        message: expect.stringMatching(/createMetrics\.registry.*'escudo_retry_attempts_total'/),
      }),
    )
    expect(registry.getMetricsAsArray()).toHaveLength(1)
  })

  test('has the metrics of an earlier createMetrics; a separate registry works beside it', async () => {
    const [registry, other] = [new Registry(), new Registry()]
    start({ registry })
    expect(() => createMetrics({ registry })).toThrow(/already has a metric/)
    start({ registry: other })
    const guarded = shield('both', retry())
    await guarded.run(() => 1)
    expect(new Map(await seriesOfRegistry(other))).toEqual(new Map(await seriesOfRegistry(registry)))
    expect(guarded.name).toBe('both')
  })

  test.each([[5], [{}], ['default'], [null]])('is none: %j', (registry) => {
    expect(() => createMetrics({ registry: registry as never })).toThrow(/^createMetrics\.registry: expected a /)
  })
})
