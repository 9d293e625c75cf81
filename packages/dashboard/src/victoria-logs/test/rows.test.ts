import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LatencyHistogram } from '../../counts/latency-histogram.ts'
import { UNDECLARED } from '../../lines/reader/line-reader.ts'
import { countsOf } from '../engine-counts.ts'
import { engineFields } from '../engine-fields.ts'
import { percentileOf } from '../engine-histogram.ts'
import { BUCKET, latencyPipes } from '../engine-latency.ts'
import { EngineLines } from '../engine-line.ts'
import { LinePlaces } from '../line-places.ts'
import { quoted } from '../logsql.ts'
import { OnceAtATime } from '../once-at-a-time.ts'

const lines = new EngineLines(UNDECLARED, 'http://engine')
const at = '2026-11-28T14:00:00.25Z'

describe('a row of the engine', () => {
  it('is read as the line that it was', () => {
    const found = lines.read({
      _time: at,
      _msg: 'http.request',
      _stream: '{service="shop"}',
      _stream_id: '1',
      log_level: 'info',
      service: 'shop',
      status_code: '503',
      latency_ms: '12.5',
      trace_id: '00000000000000000000000000000012',
      span_id: '12',
      degraded: 'true',
    })
    expect(found).toMatchObject({ service: 'shop', file: 'http://engine' })
    expect(found?.line).toMatchObject({
      at: Date.parse(at),
      event: 'http.request',
      status: 503,
      latencyMs: 12.5,
      spanId: '12',
      degraded: true,
      isRequest: true,
      format: 'escudo',
    })
    expect(JSON.parse(found?.raw ?? '')).not.toHaveProperty('_stream')
  })

  it('has the nested fields that count refusals, and keeps a message beside an event', () => {
    const summary = lines.read({
      _time: at,
      _msg: 'policy.summary',
      log_level: 'info',
      service: 'a',
      'counts.fallback': '3',
    })
    expect(summary?.line.fields.nested('counts', 'fallback')).toBe(3)
    const other = lines.read({ _time: at, _msg: 'it broke', event: 'job', log_level: 'error', service: 'a' })
    expect(other?.line).toMatchObject({ event: 'job', message: 'it broke' })
  })

  it('never becomes another number: ids and long digits stay text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (value) => {
        const raw = JSON.parse(lines.read({ _time: at, _msg: 'a', log_level: 'info', x: value })?.raw ?? '{}')
        return String(raw.x) === value
      }),
      { numRuns: 2_000 },
    )
    for (const digits of ['12345678901234567890', '0123', '1e5', '-', '1.', '1.0', '0.10'])
      expect([
        digits,
        String(JSON.parse(lines.read({ _time: at, _msg: 'a', log_level: 'info', x: digits })?.raw ?? '{}').x),
      ]).toEqual([digits, digits])
  })
})

describe('counts of the engine', () => {
  const fields = engineFields(UNDECLARED)
  const row = (values: object): Record<string, string> => ({
    service: 'shop',
    n: '1',
    l: '1',
    s: '5',
    hn: '0',
    hl: '0',
    hs: 'NaN',
    ...values,
  })

  it('are percentiles as those of files, with requests without a latency', () => {
    const latencies = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(latencies, fc.nat(20), (all, without) => {
        const histogram = new LatencyHistogram()
        const buckets = new Map<number, number>()
        for (const latency of all) {
          histogram.add(latency)
          const bucket = LatencyHistogram.bucketOf(latency)
          buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1)
        }
        const rows = [...buckets].map(([bucket, n]) => row({ [BUCKET]: String(bucket), n: String(n), l: String(n) }))
        if (without > 0) rows.push(row({ [BUCKET]: '-1', n: String(without), l: '0', s: 'NaN' }))
        const { tally } = countsOf(rows, fields, new Set())
        const counted = [...tally.cells.values()]
        expect(counted.reduce((sum, { count }) => sum + count, 0)).toBe(all.length + without)
        for (const share of [0.5, 0.95, 0.99]) expect(tally.latency.percentile(share)).toBe(histogram.percentile(share))
      }),
      { numRuns: 300 },
    )
  })

  it('tell health checks and hops apart, and paths from routes', () => {
    const rows = [
      row({ route: '~/healthz' }),
      row({ route: '~/orders/order-12345', hn: '1', hl: '1', hs: '5' }),
      row({ route: '/2026/report' }),
      row({ service: '', route: '', status_code: '503', error_kind: 'business' }),
    ]
    const { cells, tally, probes } = countsOf(rows, fields, new Set(['shop']))
    const keys = [...tally.cells.keys()].map((cell) => cells.key(cell))
    expect(keys.map((key) => (key.type === 'request' ? [key.service, key.route, key.kind] : key))).toEqual([
      ['shop', '/healthz', undefined],
      ['shop', '/orders/{id}', undefined],
      ['shop', '/2026/report', undefined],
      ['unknown', undefined, 'business'],
    ])
    expect(probes).toEqual(['/healthz'])
    expect([...(tally.hops ?? [])].map(([cell]) => cells.key(cell))).toEqual([keys[1]])
    expect([...(tally.probes ?? [])].map(([cell]) => cells.key(cell))).toEqual([keys[0]])
  })

  it('come from names that --field declares, in its unit', () => {
    const declared = engineFields({
      names: { status: [{ flat: 'http.status', segments: ['http', 'status'] }] },
      latency: { path: { flat: 'took', segments: ['took'] }, unit: 's' },
    })
    expect(declared).toMatchObject({ status: '"http.status"', request: '"http.status":*', latencyFactor: 1_000 })
    const { tally, cells } = countsOf(
      [{ service: 'a', 'http.status': '500', n: '2', l: '2', s: '500', hn: '0' }],
      declared,
      new Set(),
    )
    const [[cell, count] = [0, undefined]] = tally.cells
    expect([cells.key(cell), count?.latencyMsSum]).toEqual([expect.objectContaining({ status: 500 }), 500])
    expect(latencyPipes(declared)).toContain('math "took" * 1000 as _ms')
  })
})

describe('what the engine sends and gets', () => {
  it('has histograms of LogsQL, whose percentiles are within 7 %', () => {
    const text =
      '[{"vmrange":"8.799e+01...1.000e+02","hits":9},{"vmrange":"0...1.000e-09","hits":1},{"vmrange":"1.000e+18...+Inf","hits":1}]'
    expect(percentileOf(text, 0.05)).toBe(0)
    expect(percentileOf(text, 0.5)).toBeCloseTo(93.8, 1)
    expect(percentileOf(text, 1)).toBe(1e18)
    expect([percentileOf('', 0.5), percentileOf('[]', 0.5)]).toEqual([null, null])
  })

  it('quotes any text as one literal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const literal = quoted(text)
        return /^"(?:[^"\\\n]|\\.)*"$/s.test(literal) && JSON.parse(literal) === text.toWellFormed()
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('places of lines', () => {
  it('are the same for the same row, and the oldest are forgotten', () => {
    const places = new LinePlaces()
    const first = places.add({ a: '0' })
    expect(places.add({ a: '0' })).toEqual(first)
    expect(places.get(first)).toEqual({ a: '0' })
    for (let number = 1; number <= 20_000; number += 1) places.add({ a: String(number) })
    expect(places.get(first)).toBeUndefined()
    expect(places.get(places.add({ a: '20000' }))).toEqual({ a: '20000' })
    const large = { a: 'x'.repeat(9_000_000) }
    const second = places.add(large)
    places.add({ b: 'x'.repeat(9_000_000) })
    expect(places.get(second)).toBeUndefined()
  })
})

describe('questions', () => {
  it('are asked once at a time, and again when the answer is old, also after a failure', async () => {
    const questions = new OnceAtATime<number>(5)
    let asked = 0
    const ask = async (): Promise<number> => {
      asked += 1
      if (asked === 2) throw new Error('no answer')
      return asked
    }
    expect(await Promise.all([questions.get('a', ask), questions.get('a', ask)])).toEqual([1, 1])
    await expect.poll(() => questions.get('a', ask).catch(() => 'failed')).toBe('failed')
    await expect.poll(() => questions.get('a', ask).catch(() => 'failed')).toBe(3)
  })
})
