import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTestLog, type TestLog } from '../../test/setup.ts'

let log: TestLog
beforeEach(async () => {
  log = await createTestLog('potion-shop.jsonl')
})
afterEach(() => log.remove())

test('counts only http.request lines as requests in a file with events', async () => {
  await log.append(
    { event: 'http.request', service: 'shop', status_code: 200, latency_ms: 2 },
    { event: 'http_error', status_code: 500, latency_ms: 9 },
    { status_code: 200, latency_ms: 1 },
  )
  expect(log.summary()).toMatchObject({ requests: 1, server_errors: 0, latency_ms: { mean: 2 } })
})

test('counts lines with a status as requests in a file without events, with or without a latency', async () => {
  await log.append({ status_code: 404, latency_ms: 3, path: '/' }, { status_code: 500 }, { latency_ms: 1 })
  expect(log.summary()).toMatchObject({ requests: 2, client_errors: 1, server_errors: 1, latency_ms: { mean: 3 } })
  expect(Object.keys(log.summary().by_service)).toEqual(['potion-shop'])
})

test('keeps the requests of a file in which a foreign event appears', async () => {
  await log.append({ status_code: 200, latency_ms: 1 })
  expect(log.summary().requests).toBe(1)
  await log.append({ event: 'user.signup' }, { level: 30, time: Date.now(), msg: 'x', event: 'started' })
  await log.append({ level: 30, time: Date.now(), msg: 'done', res: { statusCode: 200 }, responseTime: 4 })
  expect(log.summary().requests).toBe(2)
})

test('counts a line that is not a JSON object only as malformed', async () => {
  await log.append('nope', '42', 'null', '[1]', '"x"', '{"a":', '\u0000', '   ', { event: 'x' })
  expect(log.summary().lines).toMatchObject({ read: 8, malformed: 7 })
})

test('counts a request but ignores its invalid status or latency', async () => {
  await log.append(
    { event: 'http.request', status_code: 200, latency_ms: -1 },
    { event: 'http.request', status_code: 99, latency_ms: '5 apples' },
    { event: 'http.request', status_code: 200.5 },
    '{"event":"http.request","status_code":200,"latency_ms":1e999}',
  )
  expect(log.summary()).toMatchObject({ requests: 4, latency_ms: { mean: null, p99: null }, by_status: { 200: 2 } })
})

test('reads the field names of other loggers', async () => {
  await log.append(
    { time: 1_790_000_000_000, level: 30, res: { statusCode: 200 }, responseTime: 4 },
    { ts: 1_790_000_001, 'http.response.status_code': 503, duration: 0.01, 'service.name': 'py', severity: 'WARN' },
    { '@timestamp': '2026-09-21 10:00:00,5', status: 404, elapsed_ms: 7, service: { name: 'ecs' } },
  )
  const { requests, by_status, by_service, latency_ms, lines } = log.summary()
  expect({ requests, by_status, lines: lines.untimed }).toEqual({
    requests: 3,
    by_status: { 200: 1, 404: 1, 503: 1 },
    lines: 0,
  })
  expect(latency_ms.mean).toBe(7)
  expect(Object.keys(by_service)).toEqual(['potion-shop', 'py', 'ecs'])
})

test('counts each error once by code and kind, and derives a missing kind from the status', async () => {
  const request = { event: 'http.request', latency_ms: 1 }
  await log.append(
    { event: 'http_error', status_code: 409, error_code: 'NO_STOCK', error_kind: 'business' },
    { ...request, status_code: 409, error_code: 'NO_STOCK', error_kind: 'business' },
    { ...request, status_code: 404 },
    { ...request, status_code: 429 },
    { ...request, status_code: 503 },
  )
  expect(log.summary()).toMatchObject({
    by_kind: { business: 2, technical: 2 },
    by_error_code: { NO_STOCK: 1, 'HTTP 404': 1, 'HTTP 429': 1, 'HTTP 503': 1 },
  })
})

test('lists two lines of one request as one error, in either order', async () => {
  const error = { event: 'http_error', status_code: 409, detail: 'no stock left', trace_id: 't', span_id: 's' }
  const request = { event: 'http.request', status_code: 409, latency_ms: 1, trace_id: 't', span_id: 's' }
  await log.append(error, request, { ...request, span_id: 'r' }, { ...error, span_id: 'r' })
  expect(log.files.journal.errors.items).toMatchObject([
    { spanId: 's', detail: 'no stock left' },
    { spanId: 'r', detail: 'no stock left' },
  ])
})

test('reports the state of the latest breaker change when changes arrive out of order', async () => {
  const change = { event: 'circuit_breaker.state_change', service: 'shop', shield: 'inventory', policy: 'breaker' }
  await log.append(
    { ...change, timestamp: '2026-11-20T10:00:02Z', from: 'open', to: 'half-open' },
    { ...change, timestamp: '2026-11-20T10:00:01Z', from: 'closed', to: 'open' },
  )
  expect(log.summary().breakers).toEqual([
    {
      service: 'shop',
      shield: 'inventory',
      policy: 'breaker',
      state: 'half-open',
      since: '2026-11-20T10:00:02.000Z',
      transitions: 2,
    },
  ])
})

test('counts a time far ahead of the clock as untimed and keeps the timeline', async () => {
  const request = { event: 'http.request', status_code: 200, latency_ms: 1 }
  await log.append({ ...request }, { ...request, timestamp: '9999-01-01T00:00:00Z' }, { ...request, timestamp: 'soon' })
  const now = Date.now()
  expect(log.summary({ from: now - 60_000, to: now + 60_000 }).requests).toBe(1)
  expect(log.summary()).toMatchObject({ requests: 3, lines: { untimed: 2 } })
})

test('counts a line whose time is no longer kept as late and in the total', async () => {
  const request = { event: 'http.request', status_code: 200, latency_ms: 1 }
  await log.append(request, { ...request, timestamp: new Date(Date.now() - 8 * 86_400_000).toISOString() })
  expect(log.summary()).toMatchObject({ requests: 2, lines: { late: 1 } })
})

test('adds the events that a summary counts, but not an impossible number of them', async () => {
  await log.append(
    { event: 'retry.attempt', service: 'shop', timestamp: new Date().toISOString() },
    {
      event: 'policy.summary',
      service: 'shop',
      timestamp: new Date().toISOString(),
      counts: { 'retry.attempt': 4, fallback: 1e15, 'bulkhead.rejected': 'x', other: 3 },
    },
    { event: 'policy.summary', counts: 5 },
  )
  expect(log.summary().events).toEqual({ 'retry.attempt': 5 })
})
