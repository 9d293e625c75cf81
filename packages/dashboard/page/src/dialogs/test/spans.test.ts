import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LineFacts } from '../../../../src/report/line-facts.ts'
import { spansOf } from '../spans.ts'

function request(service: string, at: number, ms: number, fields: Partial<LineFacts> = {}): LineFacts {
  const shared = { method: 'GET', path: '/items', status: 200, format: 'json', file: 'a.log', raw: '' }
  return { at, service, latency_ms: ms, is_request: true, ...shared, ...fields }
}

/** Returns the tree as text: the depth as spaces. */
function tree(lines: readonly LineFacts[]): readonly string[] {
  return spansOf(lines).map(({ depth, service, attempt, isGuessed }) =>
    [' '.repeat(depth), service, attempt === undefined ? '' : ` retry ${attempt - 1}`, isGuessed ? ' ~' : ''].join(''),
  )
}

describe('the spans of a trace', () => {
  it('are a tree by their parents, in order of their start', () => {
    const lines = [
      request('inventory', 1_080, 20, { span_id: 'c', parent_span_id: 'a' }),
      request('product', 1_050, 40, { span_id: 'b', parent_span_id: 'a' }),
      request('database', 1_070, 5, { span_id: 'd', parent_span_id: 'c' }),
      request('shop', 1_100, 100, { span_id: 'a' }),
    ]
    expect(tree(lines)).toEqual(['shop', ' product', ' inventory', '  database'])
    expect(spansOf(lines)[0]).toMatchObject({ start: 1_000, end: 1_100, name: 'GET /items', lines: [3] })
  })

  it('mark a request that follows a failed one of the same parent as a retry', () => {
    const child = { parent_span_id: 'a' }
    const lines = [
      request('shop', 1_200, 200, { span_id: 'a' }),
      request('inventory', 1_050, 40, { span_id: 'b', status: 503, ...child }),
      request('inventory', 1_110, 40, { span_id: 'c', status: 429, ...child }),
      request('inventory', 1_180, 40, { span_id: 'd', ...child }),
    ]
    expect(tree(lines)).toEqual(['shop', ' inventory', ' inventory retry 1', ' inventory retry 2'])
  })

  it('are no retries if the first one succeeded, or if they ran at the same time', () => {
    const child = { parent_span_id: 'a', status: 503 }
    const lines = [
      request('shop', 1_200, 200, { span_id: 'a' }),
      request('inventory', 1_050, 40, { span_id: 'b', ...child }),
      request('inventory', 1_060, 40, { span_id: 'c', ...child }),
      request('mail', 1_050, 40, { span_id: 'd', ...child, status: 200 }),
      request('mail', 1_100, 40, { span_id: 'e', ...child }),
    ]
    expect(spansOf(lines).filter(({ attempt }) => attempt !== undefined)).toEqual([])
  })

  it('are not placed in a short one that ended before they began', () => {
    const lines = [
      request('product', 1_001, 0.3, { span_id: 'b', parent_span_id: 'a client span that is in no line' }),
      request('inventory', 1_002, 0.25, { span_id: 'c', parent_span_id: 'another one' }),
      request('shop', 1_038, 38, { span_id: 'a' }),
    ]
    expect(tree(lines)).toEqual(['shop', ' product ~', ' inventory ~'])
  })

  it('are placed by their times if no line has their parent', () => {
    const lines = [
      request('shop', 1_100, 100, { span_id: 'a' }),
      request('inventory', 1_080, 20, { span_id: 'b', parent_span_id: 'a client span that is in no line' }),
      request('nginx', 1_110, 115),
    ]
    expect(tree(lines)).toEqual(['nginx', ' shop ~', '  inventory ~'])
  })

  it('do not include lines without a span that are no requests, or without a time', () => {
    const line = { service: 'a', is_request: false, format: 'text', file: 'a.log', raw: '' }
    expect(
      spansOf([
        { ...line, at: 1 },
        { ...line, at: null, span_id: 's' },
      ]),
    ).toEqual([])
  })

  it('belong together if their lines have the same id in the same service', () => {
    const note = { service: 'shop', is_request: false, format: 'json', file: 'a.log', raw: '', span_id: 'a' }
    const lines = [{ ...note, at: 1_010 }, request('shop', 1_100, 50, { span_id: 'a' }), { ...note, at: 1_120 }]
    expect(spansOf(lines)).toMatchObject([{ lines: [0, 1, 2], start: 1_010, end: 1_120, status: 200 }])
  })

  it('appear once each, below a row one level higher, whatever ids and times the lines have', () => {
    const id = fc.option(fc.constantFrom('a', 'b', 'c', 'd'), { nil: undefined })
    const line = fc.record({
      at: fc.option(fc.integer({ min: 0, max: 500 }), { nil: null }),
      service: fc.constantFrom('shop', 'inventory'),
      latency_ms: fc.option(fc.integer({ min: 0, max: 300 }), { nil: undefined }),
      is_request: fc.boolean(),
      span_id: id,
      parent_span_id: id,
      status: fc.option(fc.constantFrom(200, 503), { nil: undefined }),
    })
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (drawn) => {
        const lines = drawn.map(
          (fields) => ({ ...defined(fields), format: 'json', file: 'a.log', raw: '' }) as unknown as LineFacts,
        )
        const rows = spansOf(lines)
        const own = lines.flatMap(({ at, span_id, is_request }, position) =>
          at === null || (span_id === undefined && !is_request) ? [] : [position],
        )
        expect(rows.flatMap((row) => row.lines).sort((a, b) => a - b)).toEqual(own)
        for (const [position, { depth, start, end }] of rows.entries()) {
          expect(depth).toBeLessThanOrEqual((rows[position - 1]?.depth ?? -1) + 1)
          expect(start).toBeLessThanOrEqual(end)
        }
      }),
      { numRuns: 1_000 },
    )
  })
})

function defined(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
