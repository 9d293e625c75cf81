import { Registry } from 'prom-client'
import { afterEach, expect, test } from 'vitest'
import { reportEnd } from '../../../core/events/call-events.ts'
import { watchSent, watchServed } from '../../../core/events/http-events.ts'
import { shield } from '../../../core/shield.ts'
import { bulkhead } from '../../../policies/bulkhead/bulkhead.ts'
import { circuitBreaker } from '../../../policies/circuit-breaker/circuit-breaker.ts'
import { consecutive } from '../../../policies/circuit-breaker/state/trips/trip.ts'
import { retry } from '../../../policies/retry/retry.ts'
import { createMetrics, type Metrics } from '../../metrics.ts'
import { recordMetrics } from '../../otel.ts'
import { collectGarbage } from '../setup.ts'
import { PROMETHEUS_NAMES } from './names.ts'
import { type HistogramValue, OtelSdk, type Series, seriesOfOtel, seriesOfRegistry, seriesOfText } from './setup.ts'

// Label values come from clients, keys and programs. However many there are, each metric has at most `maxSeries` series
// and an overflow series, on every face.

const MILLION = 1_000_000
const OVERFLOW = '[["otel_metric_overflow","true"]]'

let metrics: Metrics | undefined
const sdk = new OtelSdk()
afterEach(() => metrics?.close())

const sizeOf = (value: number | HistogramValue): number => (typeof value === 'number' ? value : value.count)

function totals(series: Series): Readonly<Record<string, readonly [series: number, total: number]>> {
  const found: Record<string, [number, number]> = {}
  for (const [key, value] of series) {
    const name = key.split(' ', 1)[0] as string
    // OpenTelemetry has no empty histograms.
    if (sizeOf(value) === 0) continue
    const [count, total] = found[name] ?? [0, 0]
    found[name] = [count + 1, total + sizeOf(value)]
  }
  return found
}

test('a million routes, hosts and shields stay within the bound on every face, and no measurement is lost', async () => {
  const registry = new Registry()
  metrics = createMetrics({ registry, maxSeries: 50 })
  recordMetrics({ metrics, meterProvider: sdk.provider })
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  const url = { hostname: '', port: '1', protocol: 'http:' }
  for (let index = 0; index < MILLION; index += 1) {
    const end = { durationMs: 1, status: 200, errorCode: undefined, errorKind: undefined, traceId: undefined }
    watchServed({ method: `M${index}` })?.({ ...end, route: `/r${index}` })
    url.hostname = `h${index}`
    if (index % 10 === 0) {
      watchSent({ method: 'GET', url: url as never })?.({
        durationMs: 1,
        status: 200,
        errorType: undefined,
        traceId: undefined,
      })
      reportEnd(`shield-${index}`, 'success', 1)
    }
  }
  collectGarbage()
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000)
  const text = seriesOfText(metrics.scrape().body)
  const expected = totals(text)
  expect(expected).toMatchObject({
    http_server_request_duration_seconds: [51, MILLION],
    http_client_request_duration_seconds: [51, MILLION / 10],
    escudo_call_duration_seconds: [51, MILLION / 10],
  })
  expect(sizeOf(text.get(`http_server_request_duration_seconds ${OVERFLOW}`) as HistogramValue)).toBe(MILLION - 50)
  expect(totals(await seriesOfRegistry(registry))).toEqual(expected)
  expect(totals(seriesOfOtel(await sdk.collect(), PROMETHEUS_NAMES))).toEqual(expected)
}, 60_000)

test('the default bound is the one of the SDK: more shields than it give equal numbers on every face', async () => {
  const other = new OtelSdk()
  metrics = createMetrics()
  recordMetrics({ metrics, meterProvider: other.provider })
  const many = Array.from({ length: 2_100 }, (_, index) => shield(`many-${index}`, retry(), bulkhead({ limit: 1 })))
  for (let round = 0; round < 2; round += 1) {
    for (const guarded of many) await guarded.run(() => 1)
    const expected = totals(seriesOfText(metrics.scrape().body))
    expect(expected).toMatchObject({ escudo_retry_attempts_total: [2_000, 2_100 * (round + 1)] })
    expect(totals(seriesOfOtel(await other.collect(), PROMETHEUS_NAMES))).toEqual(expected)
  }
  await other.close()
}, 60_000)

test('many circuits of one breaker add no series, and their open periods are remembered within a bound', async () => {
  metrics = createMetrics()
  const breaker = circuitBreaker({ trip: consecutive(1), perKey: { maxKeys: 20_000 } })
  const guarded = shield('keyed', breaker)
  const down = (): Promise<number> => Promise.reject(new Error('down'))
  for (let key = 0; key < 12_000; key += 1) await guarded.run(down, { key: `k${key}` }).catch(() => {})
  breaker.reset()
  const series = seriesOfText(metrics.scrape().body)
  const labels = '[["escudo_policy","circuitBreaker"],["escudo_shield","keyed"]]'
  const open = series.get(`escudo_circuit_breaker_open_duration_seconds ${labels}`) as HistogramValue
  expect(open.count).toBe(10_000)
})

test('hostile label values are the same, and bounded, on every face', async () => {
  const other = new OtelSdk()
  const registry = new Registry()
  metrics = createMetrics({ registry })
  recordMetrics({ metrics, meterProvider: other.provider })
  const hostile = [
    '"',
    '\\',
    '\n# EOF\n',
    'a"} 1\nforged 1',
    '\0',
    '\r\u2028\u202e',
    '\ud800',
    '\ud801',
    `${'x'.repeat(255)}\u{1f600}`,
    'y'.repeat(5_000),
  ]
  const end = { durationMs: 1, status: 200, errorCode: undefined, errorKind: undefined, traceId: undefined }
  for (const route of hostile) watchServed({ method: 'GET' })?.({ ...end, route })
  const text = seriesOfText(metrics.scrape().body)
  const routes = [...text].filter(([key]) => key.includes('"http_route"'))
  // The two lone surrogates have one replacement.
  expect(routes).toHaveLength(hostile.length - 1)
  for (const [key] of routes) expect(key.length).toBeLessThan(500)
  expect(new Map(await seriesOfRegistry(registry))).toEqual(new Map(text))
  const otel = seriesOfOtel(await other.collect(), PROMETHEUS_NAMES)
  for (const [key, value] of routes) expect(otel.get(key)).toEqual(value)
  await other.close()
})

test('an attempt whose dispatcher does not tell its origin has neither an address nor a port', () => {
  metrics = createMetrics()
  const end = { durationMs: 1, status: 200, errorType: undefined, traceId: undefined }
  watchSent({ method: 'GET', url: new URL('/a', 'unknown:/') })?.(end)
  expect(metrics.scrape().body).toContain(
    'http_client_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200"} 1\n',
  )
})
