import { describe, expect, test } from 'vitest'
import { shield } from '../../core/shield.ts'
import { bulkhead } from '../../policies/bulkhead/bulkhead.ts'
import { retry } from '../../policies/retry/retry.ts'
import { createMetrics } from '../metrics.ts'
import { metricsPerTest, scrapeOf } from './setup.ts'

const start = metricsPerTest()

describe('createMetrics', () => {
  test('counts everything beyond maxSeries in one overflow series', async () => {
    const metrics = start({ maxSeries: 10 })
    const many = Array.from({ length: 100 }, (_, index) => shield(`many-${index}`, retry(), bulkhead({ limit: 1 })))
    for (const guarded of many) await guarded.run(() => 1)
    const scrape = scrapeOf(metrics)
    const attempts = scrape.samples.filter(({ name }) => name === 'escudo_retry_attempts_total')
    expect(attempts).toHaveLength(11)
    expect(scrape.sum('escudo_retry_attempts_total')).toBe(100)
    expect(scrape.sum('escudo_retry_attempts_total', { otel_metric_overflow: 'true' })).toBe(90)
    expect(scrape.sum('escudo_metrics_folded_total', { metric: 'escudo_retry_attempts_total' })).toBe(90)
    expect(scrape.sum('escudo_bulkhead_limit')).toBeGreaterThanOrEqual(100)
    for (const [name] of scrape.types) {
      if (name === 'escudo_metrics_folded_total') continue
      expect(scrape.samples.filter((sample) => sample.name === name).length, name).toBeLessThanOrEqual(11)
    }
  })

  test('names its instance in the text, as OpenTelemetry does, only if it has one', () => {
    const metrics = start({ instance: 'shop-"2"' })
    const line = 'target_info{service_instance_id="shop-\\"2\\""} 1\n'
    expect(metrics.scrape().body).toContain(`# TYPE target_info gauge\n${line}`)
    expect(metrics.scrape('application/openmetrics-text').body).toContain(`# TYPE target info\n${line}`)
    expect(start().scrape().body).not.toContain('target')
    expect(() => createMetrics({ instance: '' })).toThrow(/createMetrics\.instance/)
  })

  test('rejects an invalid option with an error that names it', () => {
    expect(() => createMetrics({ maxSeries: 0 })).toThrow(/createMetrics\.maxSeries/)
    expect(() => createMetrics({ maxSerie: 5 } as never)).toThrow(/createMetrics\.maxSerie/)
    expect(() => createMetrics(5 as never)).toThrow(/createMetrics/)
  })
})

describe('the text format by Accept header', () => {
  const PROMETHEUS_2 =
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
  const PROMETHEUS_3 =
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1'

  test.each([
    ['Prometheus 2', PROMETHEUS_2, true],
    ['Prometheus 3', PROMETHEUS_3, true],
    ['no header', undefined, false],
    ['a browser', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', false],
    ['anything', '*/*', false],
    ['anything rather than plain text', '*/*,text/plain;q=0.5', false],
    ['plain text preferred', 'text/plain;q=1,application/openmetrics-text;q=0.5', false],
    ['OpenMetrics with q=0', 'application/openmetrics-text;q=0', false],
    ['an invalid header', ';;;,,q=\0"', false],
    ['a very long header', 'application/openmetrics-text,'.repeat(10_000), false],
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
