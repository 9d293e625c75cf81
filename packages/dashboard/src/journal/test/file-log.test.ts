import { afterEach, beforeEach, expect, test } from 'vitest'
import { type LogOf, linesAsFile } from '../../test/setup.ts'

let log: LogOf
beforeEach(async () => {
  log = await linesAsFile('potion-shop.jsonl')
})
afterEach(() => log.remove())

test('in a file with events, only http.request lines are requests, whatever else has a status', async () => {
  await log.append(
    { event: 'http.request', service: 'shop', status_code: 200, latency_ms: 2 },
    { event: 'http_error', status_code: 500, latency_ms: 9 },
    { status_code: 200, latency_ms: 1 },
  )
  expect(log.summary()).toMatchObject({ requests: 1, server_errors: 0, latency_ms: { mean: 2 } })
})

test('in a file without events, a line with a status and a latency is a request, of the service that the file names', async () => {
  await log.append({ status_code: 404, latency_ms: 3, path: '/' }, { status_code: 500 }, { latency_ms: 1 })
  expect(log.summary()).toMatchObject({ requests: 1, client_errors: 1, latency_ms: { mean: 3 } })
  expect(Object.keys(log.summary().by_service)).toEqual(['potion-shop'])
})

test('a first event late in the file changes how its earlier lines are read', async () => {
  await log.append({ status_code: 200, latency_ms: 1 })
  expect(log.summary().requests).toBe(1)
  await log.append({ event: 'started' })
  expect(log.summary().requests).toBe(0)
})

test('what is no JSON object is counted as malformed, and nothing else comes of it', async () => {
  await log.append('nope', '42', 'null', '[1]', '"x"', '{"a":', '\u0000', '   ', { event: 'x' })
  expect(log.summary().lines).toMatchObject({ read: 8, malformed: 7 })
})

test('a status or latency that cannot be is left out, and the request is still one', async () => {
  await log.append(
    { event: 'http.request', status_code: '200', latency_ms: -1 },
    { event: 'http.request', status_code: 99, latency_ms: '5' },
    { event: 'http.request', status_code: 200.5 },
    '{"event":"http.request","status_code":200,"latency_ms":1e999}',
  )
  expect(log.summary()).toMatchObject({ requests: 4, latency_ms: { mean: null, p99: null }, by_status: { 200: 1 } })
})

test('other loggers’ names for the same things are understood', async () => {
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

test('errors are counted once each, by their code and kind; without a kind the status says which', async () => {
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

test('what one request says in two lines is one entry of the list, in whichever order they come', async () => {
  const error = { event: 'http_error', status_code: 409, detail: 'no stock left', trace_id: 't', span_id: 's' }
  const request = { event: 'http.request', status_code: 409, latency_ms: 1, trace_id: 't', span_id: 's' }
  await log.append(error, request, { ...request, span_id: 'r' }, { ...error, span_id: 'r' })
  expect(log.files.journal.errors.items).toMatchObject([
    { spanId: 's', detail: 'no stock left' },
    { spanId: 'r', detail: 'no stock left' },
  ])
})

test('a breaker is in the state of its newest change, also when the changes come in disorder', async () => {
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

test('a time far ahead of the clock is counted apart, and pushes nothing else off the axis of time', async () => {
  const request = { event: 'http.request', status_code: 200, latency_ms: 1 }
  await log.append({ ...request }, { ...request, timestamp: '9999-01-01T00:00:00Z' }, { ...request, timestamp: 'soon' })
  const now = Date.now()
  expect(log.summary({ from: now - 60_000, to: now + 60_000 }).requests).toBe(1)
  expect(log.summary()).toMatchObject({ requests: 3, lines: { untimed: 2 } })
})

test('a line that comes when its time is no longer kept is late, and counted in the total', async () => {
  const request = { event: 'http.request', status_code: 200, latency_ms: 1 }
  await log.append(request, { ...request, timestamp: new Date(Date.now() - 8 * 86_400_000).toISOString() })
  expect(log.summary()).toMatchObject({ requests: 2, lines: { late: 1 } })
})
