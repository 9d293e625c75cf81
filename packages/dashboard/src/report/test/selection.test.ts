import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ENTRIES, type Selection, selectionOf } from '../selection.ts'
import { summarize } from '../summary.ts'
import { columnsOf, type Parts, partsOf, rangeOf } from '../view.ts'
import { createSystem, every, NOW, type TestSystem } from './setup.ts'

const SECONDS = 900

let system: TestSystem
beforeEach(async () => {
  system = await createSystem(['shop', 'inventory'])
})
afterEach(() => system.remove())

function parts(selection: Selection = ENTRIES): Parts {
  return partsOf(system.files, rangeOf(system.files, SECONDS, NOW), system.health(), selection, NOW)
}

/** A user asks the shop, and the shop asks the inventory. */
async function ask(count: number, status = 200): Promise<void> {
  for (let request = 0; request < count; request += 1) {
    const ids = {
      trace_id: `t${status}-${request}`,
      ago: 30 + (request % 60),
      status_code: status,
      error_code: undefined,
    }
    const code = status >= 400 ? { error_code: 'DOWN', detail: `no answer after ${request} ms` } : {}
    const inner = { ...ids, ...code, span_id: `i${status}-${request}`, parent_span_id: `o${status}-${request}` }
    await system.write('inventory', [{ ...inner, path: `/stock/${request}`, latency_ms: 4 }])
    await system.write('shop', [{ ...ids, span_id: `o${status}-${request}`, path: '/orders', latency_ms: 40 }])
  }
}

describe('what users sent', () => {
  it('is what totals, statuses, columns and percentiles count, until hops are asked for', async () => {
    await ask(10)
    await ask(5, 503)
    await system.write('shop', [{ ago: 20, status_code: 200, path: '/healthz', latency_ms: 900 }])
    const { summary } = parts()
    expect(summary).toMatchObject({
      requests: 15,
      server_errors: 5,
      by_status: { 200: 10, 503: 5 },
      by_error_code: { 'HTTP 503': 5 },
      hops: { requests: 15 },
      probes: { requests: 1 },
    })
    expect(summary.latency_ms.p99).toBeCloseTo(40, -1)
    expect(summary.latency_ms.p50).toBeGreaterThan(35)
    const sumOf = (selection: Selection): number[] =>
      columnsOf(system.files, rangeOf(system.files, SECONDS, NOW), 0, selection).reduce(
        ([good = 0, failed = 0], column) => [good + column[1], failed + column[3]],
        [0, 0],
      )
    expect(sumOf(ENTRIES)).toEqual([10, 5])
    const withHops = selectionOf(undefined, undefined, true)
    expect(parts(withHops).summary).toMatchObject({ requests: 30, by_error_code: { DOWN: 5, 'HTTP 503': 5 } })
    expect(sumOf(withHops)).toEqual([20, 10])
  })

  it('does not change the summary of the API: it counts every hop, and lists routes', async () => {
    await ask(3)
    expect(summarize(system.files)).toMatchObject({
      requests: 6,
      entries: { requests: 3 },
      by_route: [
        { service: 'inventory', route: '/stock/{id}', requests: 3 },
        { service: 'shop', route: '/orders', requests: 3 },
      ],
    })
  })
})

describe('a chosen service or route', () => {
  it('counts all that the service answered, in figures, errors and groups', async () => {
    await ask(4)
    await ask(2, 503)
    const chosen = parts(selectionOf('inventory', undefined, false))
    expect(chosen.summary).toMatchObject({ requests: 6, server_errors: 2 })
    expect(chosen.groups.groups).toMatchObject([{ service: 'inventory', code: 'DOWN', count: 2, age: 'new' }])
    expect(new Set(chosen.errors.map(({ service }) => service))).toEqual(new Set(['inventory']))
    expect(chosen.tables.routes.rows).toMatchObject([{ route: '/stock/{id}', requests: 6 }])
    expect(chosen.tables.services.rows.map(({ service }) => service).sort()).toEqual(['inventory', 'shop'])
    expect(parts(selectionOf('shop', '/nothing', false)).summary.requests).toBe(0)
  })
})

describe('tables', () => {
  it('show the cause first, then what fails, and the trend of both', async () => {
    await ask(10)
    await ask(10, 503)
    const { services, routes } = parts().tables
    expect(services.rows.map(({ service, state, server }) => [service, state, server])).toEqual([
      ['inventory', 'failing', 10],
      ['shop', 'failing', 10],
    ])
    expect(services.rows[0]?.trend.reduce((sum, count) => sum + count, 0)).toBe(20)
    expect(services.rows[0]?.failed.reduce((sum, count) => sum + count, 0)).toBe(10)
    expect(routes.rows.map(({ route }) => route)).toEqual(['/stock/{id}', '/orders'])
  })

  it('have no row for a route that only health checks asked for, nor count one as more', async () => {
    await system.write('shop', [
      ...every(10, 50, 1, { route: '/orders' }),
      ...every(10, 50, 1, { route: '/healthz' }),
      ...every(10, 50, 1, { status_code: 500, route: '/orders' }),
    ])
    expect(system.service('shop').state).toBe('failing')
    const { services, routes } = parts().tables
    expect(services.rows).toMatchObject([{ service: 'shop', requests: 10, server: 5 }])
    expect(routes).toMatchObject({ rows: [{ route: '/orders', requests: 10 }], more: 0 })
    expect(routes.rows).toHaveLength(1)
  })

  it('have at most 50 rows and say how many more there are', async () => {
    const lines = Array.from({ length: 80 }, (_, route) => ({ ago: 5, status_code: 200, route: `/r${route}` }))
    await system.write('shop', [...lines, { ago: 5, status_code: 500, route: '/broken' }])
    const { routes } = parts().tables
    expect([routes.rows.length, routes.more, routes.rows[0]?.route]).toEqual([50, 31, '/broken'])
  })
})

describe('groups of errors', () => {
  const error = { status_code: 500, error_code: 'E', error_kind: 'technical' }

  it('are new, returning or continuing', async () => {
    await system.write('shop', [
      { ago: 3_000, ...error, error_code: 'RETURNING' },
      { ago: 1_000, ...error, error_code: 'CONTINUING' },
      ...['RETURNING', 'CONTINUING', 'NEW'].map((code) => ({ ago: 10, ...error, error_code: code })),
    ])
    expect(Object.fromEntries(parts().groups.groups.map(({ code, age }) => [code, age]))).toEqual({
      NEW: 'new',
      RETURNING: 'returning',
      CONTINUING: 'continuing',
    })
    expect(parts().groups.groups.every(({ count }) => count === 1)).toBe(true)
  })

  it('list technical errors first, and what a fallback hid', async () => {
    await system.write('shop', [
      ...Array.from({ length: 400 }, () => ({ ago: 5, status_code: 404, error_code: 'NOT_FOUND' })),
      { ago: 9, ...error },
      { ago: 8, event: 'fallback', shield: 'inventory', error_type: 'UpstreamError', trace_id: 'hidden' },
    ])
    const { groups, errors } = parts()
    expect(groups.groups.map(({ code, kind, fallback }) => [code, kind, fallback])).toEqual([
      ['UpstreamError', 'technical', true],
      ['E', 'technical', false],
      ['NOT_FOUND', 'business', false],
    ])
    expect(errors.filter(({ kind }) => kind === 'technical')).toHaveLength(2)
  })

  it('give the cause its latest traces, whatever is chosen', async () => {
    await ask(10, 503)
    const { causes } = parts(selectionOf('shop', undefined, false))
    expect(causes[0]).toMatchObject({ code: 'DOWN', status: 503 })
    expect(causes.every(({ traceId }) => traceId?.startsWith('t503-'))).toBe(true)
  })
})

describe('sources', () => {
  it('come with trouble first, and say what was not understood', async () => {
    await ask(2)
    await system.write('shop', ['Traceback (most recent call last):', { ago: -60, status_code: 200 }])
    const { sources } = parts()
    expect(sources).toMatchObject({ all: 2, troubled: 1, more: 0 })
    expect(sources.files[0]).toMatchObject({
      format: 'escudo',
      read: 4,
      recognised: 3,
      malformed: 1,
      ahead: 1,
      ahead_ms: 60_000,
    })
    expect(sources.files[0]?.unread).toMatchObject({
      reason: 'unknown-text',
      example: 'Traceback (most recent call last):',
    })
  })
})
