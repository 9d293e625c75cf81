import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { shield } from '../../../core/shield.ts'
import { cache } from '../../../policies/cache/cache.ts'
import { fallback } from '../../../policies/fallback/fallback.ts'
import { retry } from '../../../policies/retry/retry.ts'
import { constant } from '../../../policies/retry/state/backoff.ts'
import { timeout } from '../../../policies/timeout/timeout.ts'
import { serverPerTest } from './setup.ts'

const serve = serverPerTest()
const down = (): Promise<never> => Promise.reject(new Error('down'))

test('the line of a request counts its retries and names the shields that degraded it', async () => {
  const retrying = shield('product', retry({ maxRetries: 2, backoff: constant(1) }))
  const stock = shield('inventory', fallback(null), retry({ maxRetries: 1, backoff: constant(1) }))
  const slow = shield('inventory', fallback(null), timeout(30))
  const server = await serve((app) => {
    app.get('/ok', async () => 'ok')
    app.get('/retried', () => retrying.run(({ attempt }) => (attempt < 3 ? down() : 'ok')))
    app.get('/degraded', async () => ({ stock: await stock.run(down), again: await stock.run(down) }))
    app.get('/late', async () => ({ stock: await slow.run(() => delay(10_000, 1, { ref: false })) }))
  })
  const paths = ['/ok', '/retried', '/degraded', '/late']
  await Promise.all(paths.map((path) => fetch(`http://127.0.0.1:${server.port}${path}`)))
  const lines = await server.waitForLines('http.request', 4)
  const lineOf = (path: string) => lines.find((line) => line['path'] === path)
  expect(lineOf('/ok')).not.toHaveProperty('retries')
  expect(lineOf('/ok')).not.toHaveProperty('degraded')
  expect(lineOf('/retried')).toMatchObject({ status_code: 200, retries: 2 })
  expect(lineOf('/retried')).not.toHaveProperty('degraded')
  expect(lineOf('/degraded')).toMatchObject({ retries: 2, degraded: true, shields: ['inventory'] })
  expect(lineOf('/late')).toMatchObject({ status_code: 200, degraded: true, shields: ['inventory'] })
})

test('a stale value degrades a request', async () => {
  let fails = false
  const prices = shield('prices', cache({ ttl: 1, staleIfError: '1m' }))
  const server = await serve((app) => {
    app.get('/', () => prices.run(() => (fails ? down() : '42'), { key: 'all' }))
  })
  await fetch(`http://127.0.0.1:${server.port}/`)
  fails = true
  await delay(5)
  await fetch(`http://127.0.0.1:${server.port}/`)
  const [, second] = await server.waitForLines('http.request', 2)
  expect(second).toMatchObject({ status_code: 200, degraded: true, shields: ['prices'] })
})

test('every line of a request has its span, and the span of its caller', async () => {
  const server = await serve((app) => {
    app.get('/', async (request) => {
      request.log.info('in the handler')
      throw new Error('bug')
    })
  })
  server.lines.length = 0
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  await fetch(`http://127.0.0.1:${server.port}/`, { headers: { traceparent } })
  await server.waitForLines('http.request', 1)
  expect(server.lines).toHaveLength(3)
  const spans = new Set(server.lines.map((line) => line['span_id']))
  expect(spans.size).toBe(1)
  for (const line of server.lines) {
    expect(line).toMatchObject({ trace_id: 'a'.repeat(32), parent_span_id: 'b'.repeat(16) })
    expect(line['span_id']).not.toBe('b'.repeat(16))
  }
})
