import { connect } from 'node:net'
import { PassThrough } from 'node:stream'
import { afterEach, expect, test, vi } from 'vitest'
import { readScrape, type Scrape } from '../../../telemetry/metrics/test/setup.ts'
import { createMetrics, type Metrics } from '../../../telemetry/metrics.ts'
import { Errors, send, serve, type TestServer } from './setup.ts'

let server: TestServer | undefined
let metrics: Metrics | undefined
afterEach(async () => {
  metrics?.close()
  await server?.app.close()
  metrics = undefined
  server = undefined
})

const COUNT = 'http_server_request_duration_seconds_count'
const read = (accept?: string): Scrape => readScrape((metrics as Metrics).scrape(accept).body)

/** The labels and the count of every series of the server's histogram. */
const served = (): readonly (readonly [string, number])[] =>
  read()
    .samples.filter(({ name }) => name === COUNT)
    .map(({ labels, value }) => [Object.values(labels).join(' '), value])

async function start(): Promise<(path: string, init?: RequestInit) => Promise<Response>> {
  metrics = createMetrics()
  server = await serve((app) => {
    app.get('/items/:id', async () => 'item')
    app.post('/items', async () => 'made')
    app.get('/missing', async () => {
      throw new Errors.ITEM_NOT_FOUND({ recurso: 'Item', id: 'x' })
    })
    app.get('/bug', async () => {
      throw new Error('bug')
    })
    app.get('/slow', async () => await new Promise(() => {}))
    app.get('/breaks', (_request, reply) => {
      const half = new PassThrough()
      half.write('half')
      setTimeout(() => half.destroy(new Error('broken')), 20)
      return reply.send(half)
    })
  })
  const { port } = server
  return async (path, init) => await fetch(`http://127.0.0.1:${port}${path}`, init)
}

test('counts each request once, with an error type only for errors of the server', async () => {
  const get = await start()
  for (let id = 0; id < 20; id += 1) await get(`/items/${id}`)
  await get('/items', { method: 'POST' })
  await get('/missing')
  await get('/bug')
  await get(`/nowhere/${Math.random()}`)
  await get('/items/1', { method: 'DELETE' })
  await vi.waitFor(() => expect(read().sum(COUNT)).toBe(25))
  expect(served()).toEqual([
    ['DELETE 405', 1],
    ['GET 404', 1],
    ['GET /bug 500 INTERNAL_SERVER_ERROR', 1],
    ['GET /items/:id 200', 20],
    ['GET /missing 404', 1],
    ['POST /items 200', 1],
  ])
  const errors = read().samples.filter(({ name }) => name === 'escudo_http_errors_total')
  expect(errors.map(({ labels, value }) => [...Object.values(labels), value])).toEqual([
    ['INTERNAL_SERVER_ERROR', 'technical', 1],
    ['ITEM_NOT_FOUND', 'business', 1],
    ['METHOD_NOT_ALLOWED', 'business', 1],
    ['ROUTE_NOT_FOUND', 'business', 1],
  ])
})

test('counts active requests, and stops counting those whose clients disconnect', async () => {
  const get = await start()
  const active = (): number | undefined => read().sum('http_server_active_requests', { http_request_method: 'GET' })
  const clients = Array.from({ length: 5 }, () => new AbortController())
  const calls = clients.map(({ signal }) => get('/slow', { signal }).catch(() => 'gone'))
  await vi.waitFor(() => expect(active()).toBe(5))
  for (const client of clients) client.abort()
  await Promise.all(calls)
  await vi.waitFor(() => expect(active()).toBe(0))
  expect(served()).toEqual([['GET /slow 499', 5]])
  expect(read().sum('escudo_http_errors_total')).toBeUndefined()
})

test('ignores requests that began before the metrics', async () => {
  const get = await start()
  metrics?.close()
  const client = new AbortController()
  const call = get('/slow', { signal: client.signal }).catch(() => 'gone')
  await vi.waitFor(() => expect(server?.lines).toBeDefined())
  await new Promise((resolve) => setTimeout(resolve, 50))
  metrics = createMetrics()
  await get('/items/1')
  client.abort()
  await call
  await server?.waitForLines('http.request', 2)
  expect(served()).toEqual([['GET /items/:id 200', 1]])
  expect(read().sum('http_server_active_requests')).toBe(0)
})

test('makes no separate series for paths and methods that a hostile client invents', async () => {
  await start()
  const port = (server as TestServer).port
  for (let index = 0; index < 50; index += 1) {
    await send(port, `PROPFIND /x${index} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    await send(port, `GET /x${index}%ZZ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    await send(port, `NONSENSE${index} / HTTP/1.1\r\n\r\n`)
  }
  await new Promise<void>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.end('\0\0\0\r\n\r\n'))
    socket.on('close', () => resolve())
    socket.resume()
  })
  await vi.waitFor(() => expect(read().sum(COUNT)).toBe(151))
  expect(served()).toEqual([
    ['GET 400', 50],
    ['_OTHER 400', 51],
    ['_OTHER 404', 50],
  ])
  expect(read().sum('http_server_active_requests')).toBe(0)
})

test('counts a response that breaks off as one request with status 500, like the log', async () => {
  const get = await start()
  await get('/breaks')
    .then((response) => response.text())
    .catch(() => 'broken off')
  const [line] = (await server?.waitForLines('http.request', 1)) ?? []
  expect(line?.['status_code']).toBe(500)
  expect(served()).toEqual([['GET /breaks 500 INTERNAL_SERVER_ERROR', 1]])
})

test('adds the trace of the latest sampled request per bucket, in OpenMetrics only', async () => {
  const get = await start()
  const trace = 'c'.repeat(32)
  await get('/items/1', { headers: { traceparent: `00-${trace}-${'1'.repeat(16)}-01` } })
  // Not sampled, so the trace cannot be looked up.
  await get('/items/1', { headers: { traceparent: `00-${'d'.repeat(32)}-${'1'.repeat(16)}-00` } })
  await vi.waitFor(() => expect(read().sum(COUNT)).toBe(2))
  const exemplars = read('application/openmetrics-text').samples.flatMap(({ exemplar }) => exemplar ?? [])
  expect(exemplars.map(({ labels }) => labels)).toEqual([{ trace_id: trace }])
  expect(exemplars[0]?.value).toBeGreaterThan(0)
  expect(read().samples.filter(({ exemplar }) => exemplar !== undefined)).toEqual([])
})
