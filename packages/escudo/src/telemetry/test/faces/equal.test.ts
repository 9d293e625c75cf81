import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMetrics, type Metrics } from '../../metrics.ts'
import { recordMetrics } from '../../otel.ts'
import { NAMES, PROMETHEUS_NAMES } from './names.ts'
import {
  type HistogramValue,
  type OtelMetric,
  OtelSdk,
  type Series,
  seriesOfOtel,
  seriesOfRegistry,
  seriesOfText,
} from './setup.ts'
import { Traffic } from './traffic.ts'

// The same traffic through the three faces of one source.

const registry = new Registry()
const openMetrics = new Registry()
openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never)
const sdk = new OtelSdk()
let metrics: Metrics
let traffic: Traffic
let text: Series
let registered: Series
let collected: readonly OtelMetric[]

beforeAll(async () => {
  metrics = createMetrics({ registry })
  recordMetrics({ metrics, meterProvider: sdk.provider })
  traffic = await Traffic.start()
  await traffic.round()
  // A collection in between: the SDK must add the second half to the first.
  await sdk.collect()
  await traffic.round()
  await traffic.settle()
  text = seriesOfText(metrics.scrape().body)
  registered = await seriesOfRegistry(registry)
  collected = await sdk.collect()
})
afterAll(async () => {
  metrics.close()
  await traffic.close()
  await sdk.close()
})

describe('the same traffic through the three faces', () => {
  test('uses every metric, so that equal numbers are not equal zeros', () => {
    const never = new Set(['escudo_log_lines_lost_total', 'escudo_metrics_folded_total', 'http_server_active_requests'])
    const idle = new Set(['escudo_bulkhead_in_use', 'escudo_bulkhead_queued', 'escudo_adaptive_limiter_in_use'])
    const used = new Set([...text].filter(([, value]) => sizeOf(value) > 0).map(([key]) => key.split(' ', 1)[0]))
    const expected = NAMES.map(([name]) => name).filter((name) => !never.has(name) && !idle.has(name))
    expect([...used].sort()).toEqual(expected.sort())
    const outcomes = [...text].filter(
      ([key]) => key.includes('escudo_call_duration_seconds') && key.includes('outcome'),
    )
    const seen = new Set(
      outcomes.filter(([, value]) => sizeOf(value) > 0).map(([key]) => /outcome","(\w+)/.exec(key)?.[1]),
    )
    expect([...seen].sort()).toEqual(['cancelled', 'degraded', 'failure', 'ignored', 'rejected', 'success'])
  })

  test('the registry of prom-client has exactly the series and values of the text', () => {
    expect(text.size).toBeGreaterThan(150)
    expect(new Map(registered)).toEqual(new Map(text))
  })

  test('OpenTelemetry has the same values, and the same series but empty histograms', () => {
    const otel = seriesOfOtel(collected, PROMETHEUS_NAMES)
    const expected = [...text].filter(([, value]) => typeof value === 'number' || value.count > 0)
    expect([...otel.keys()].sort()).toEqual(expected.map(([key]) => key).sort())
    for (const [key, value] of expected) expect([key, rounded(otel.get(key))]).toEqual([key, rounded(value)])
  })

  test('reading changes nothing: a second reading of each face is the same', async () => {
    expect(new Map(seriesOfText(metrics.scrape().body))).toEqual(new Map(text))
    expect(new Map(await seriesOfRegistry(registry))).toEqual(new Map(registered))
    expect(seriesOfOtel(await sdk.collect(), PROMETHEUS_NAMES)).toEqual(seriesOfOtel(collected, PROMETHEUS_NAMES))
  })
})

describe('names', () => {
  test('are those of the design on each face, with types and units', async () => {
    const names = NAMES.map(([prometheus, otel, type, unit]) => ({ prometheus, otel, type, unit }))
    expect(collected.map(({ name, type, unit }) => ({ name, type, unit })).sort(byName)).toEqual(
      names.map(({ otel: name, type, unit }) => ({ name, type, unit })).sort(byName),
    )
    const types = await registryTypes()
    expect(types).toEqual(
      names.map(({ prometheus, type }) => `${type === 'updown' ? 'gauge' : type} ${prometheus}`).sort(),
    )
    expect(collected.map(({ scope }) => scope)).toEqual(collected.map(() => 'escudo'))
  })

  test('of attributes are those of the semantic conventions, with numbers as numbers', () => {
    const served = collected.find(({ name }) => name === 'http.server.request.duration')
    expect(served?.points.map(({ attributes }) => attributes)).toContainEqual({
      'http.request.method': 'GET',
      'http.route': '/use/:shield/:path',
      'http.response.status_code': 200,
    })
    const sent = collected.find(({ name }) => name === 'http.client.request.duration')
    expect(sent?.points.map(({ attributes }) => attributes)).toContainEqual({
      'http.request.method': 'GET',
      'server.address': '127.0.0.1',
      'server.port': expect.any(Number),
      'http.response.status_code': 503,
      'error.type': '503',
    })
  })

  test('in a registry that writes OpenMetrics are those of prom-client, with exemplars', async () => {
    const open = createMetrics({ registry: openMetrics })
    const trace = 'ab'.repeat(16)
    const { watchServed } = await import('../../../core/events/http-events.ts')
    const end = { durationMs: 3, route: '/', status: 200, errorCode: undefined, errorKind: undefined, traceId: trace }
    watchServed({ method: 'GET' })?.(end)
    const body = await openMetrics.metrics()
    expect(body).toContain('# TYPE escudo_retry_attempts counter\n')
    expect(body).toMatch(/^escudo_retry_attempts_total\{escudo_shield="guarded",escudo_policy="retry"\} 0$/m)
    expect(body).toMatch(new RegExp(`le="0.005".* 1 # \\{trace_id="${trace}"\\} 0.003 \\d+\\.?\\d*$`, 'm'))
    open.close()
    expect(openMetrics.getMetricsAsArray()).toEqual([])
  })
})

async function registryTypes(): Promise<readonly string[]> {
  const json = await registry.getMetricsAsJSON()
  return json.map(({ name, type }) => `${type as unknown as string} ${name}`).sort()
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1
}

function sizeOf(value: number | HistogramValue): number {
  return typeof value === 'number' ? value : value.count
}

/** The SDK adds up the sums of collections, so the last digits of a sum differ. */
function rounded(value: number | HistogramValue | undefined): unknown {
  return typeof value === 'object' ? { ...value, sum: value.sum.toPrecision(10) } : value
}
