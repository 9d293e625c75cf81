import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from './helpers/processes.ts'
import { type Answer, ask, clearFault, setFault } from './helpers/requests.ts'
import { cleanUp, linesOf, type Name, pidsOf, type System, startSystem, stopSystem } from './helpers/system.ts'

// 4.7 and 4.8c: a page that combines two services, each with every fault.

const PRODUCT = { id: 'mana-potion', name: 'Poción de Maná', description: 'Restaura 100 MP.' }
const VERIFIED = { stock: 42, status: 'Verificado' }
const UNKNOWN = { stock: null, status: 'No se pudo verificar el stock' }

let system: System

beforeAll(async () => {
  system = await startSystem()
})
afterAll(async () => {
  await stopSystem(system)
  await cleanUp()
})

const page = (): Promise<Answer> => ask(system, 'potion-shop', '/product-details/mana-potion')

/**
 * Makes successful calls between the tests.
 *
 * They keep the failure rate of the breakers below its threshold, because these tests check single failures.
 */
async function makeGoodCalls(): Promise<void> {
  for (let i = 0; i < 3; i += 1) {
    const { status, json } = await page()
    expect([status, json]).toEqual([200, { product_info: PRODUCT, inventory: VERIFIED }])
  }
}

/** Waits until a service answers its health check. Failing pages in the meantime would open the breaker. */
async function untilHealthy(name: Name): Promise<void> {
  await until(`${name} to answer`, async () => {
    const answer = await ask(system, name, '/healthz').catch(() => undefined)
    return answer?.status === 200
  })
}

test('4.7a: the page is complete when both services are healthy', async () => {
  const { status, json } = await page()
  expect([status, json]).toEqual([200, { product_info: PRODUCT, inventory: VERIFIED }])
})

test('4.7a: calls both services concurrently', async () => {
  await setFault(system, 'product-service', { latency_ms: 800 })
  await setFault(system, 'inventory-service', { latency_ms: 800 })
  const { status, ms } = await page()
  await clearFault(system, 'product-service')
  await clearFault(system, 'inventory-service')
  expect(status).toBe(200)
  expect(ms).toBeGreaterThan(790)
  expect(ms).toBeLessThan(1_400)
})

test.each([
  ['503', { status: 503 }],
  ['404', { status: 404 }],
  ['a reset', { error: 'reset' }],
  ['5 s of silence', { latency_ms: 5_000 }],
  ['broken JSON', { body: 'corrupt' }],
  ['a truncated body', { body: 'truncated' }],
  ['a stalled body', { body: 'stall' }],
])('4.7b: answers the page within 2.5 s on %s from the inventory', async (_name, fault) => {
  await setFault(system, 'inventory-service', fault)
  const { status, json, ms, headers } = await page()
  await clearFault(system, 'inventory-service')
  expect([status, json]).toEqual([200, { product_info: PRODUCT, inventory: UNKNOWN }])
  expect(ms).toBeLessThan(2_500)
  const lines = await linesOf(system, 'potion-shop', headers.get('x-trace-id') ?? '')
  expect(lines.some((line) => line['log_level'] === 'warning' && line['shield'] === 'inventory')).toBe(true)
  await makeGoodCalls()
})

test('4.7b: answers the page when the inventory is killed; it is complete after a restart', async () => {
  process.kill(pidsOf(system.supervisor)['inventory-service'], 'SIGKILL')
  const { status, json, ms } = await page()
  expect([status, json]).toEqual([200, { product_info: PRODUCT, inventory: UNKNOWN }])
  expect(ms).toBeLessThan(2_500)
  await untilHealthy('inventory-service')
  await makeGoodCalls()
})

test.each([
  ['503', { status: 503 }, 502, 'UPSTREAM_ERROR', 'El servicio de productos falló: 503'],
  ['500', { status: 500 }, 502, 'UPSTREAM_ERROR', 'El servicio de productos falló: 500'],
  ['400', { status: 400 }, 502, 'UPSTREAM_ERROR', 'El servicio de productos falló: 400'],
  ['401', { status: 401 }, 502, 'UPSTREAM_ERROR', 'El servicio de productos falló: 401'],
  ['a reset', { error: 'reset' }, 502, 'UPSTREAM_ERROR', 'El servicio de productos falló: sin respuesta'],
  ['broken JSON', { body: 'corrupt' }, 502, 'UPSTREAM_ERROR', 'El servicio de productos falló: sin respuesta'],
  ['a truncated body', { body: 'truncated' }, 502, 'UPSTREAM_ERROR', 'El servicio de productos falló: sin respuesta'],
  ['5 s of silence', { latency_ms: 5_000 }, 504, 'UPSTREAM_TIMEOUT', expect.any(String)],
  ['a stalled body', { body: 'stall' }, 504, 'UPSTREAM_TIMEOUT', expect.any(String)],
])('4.7c: answers a specific error on %s from the product service', async (_name, fault, status, code, message) => {
  await setFault(system, 'product-service', fault)
  const answer = await page()
  await clearFault(system, 'product-service')
  expect([answer.status, answer.json.error_code, answer.json.message]).toEqual([status, code, message])
  expect(answer.ms).toBeLessThan(2_500)
  await makeGoodCalls()
})

test('4.7c: answers 502 without an upstream status when the product service is killed', async () => {
  process.kill(pidsOf(system.supervisor)['product-service'], 'SIGKILL')
  const { status, json } = await page()
  expect([status, json.error_code, json.message]).toEqual([
    502,
    'UPSTREAM_ERROR',
    'El servicio de productos falló: sin respuesta',
  ])
  await untilHealthy('product-service')
  await makeGoodCalls()
})

test('4.7c: answers 404 for a product that the service does not know', async () => {
  const { status, json } = await ask(system, 'potion-shop', '/product-details/nada')
  expect([status, json.error_code, json.context]).toEqual([404, 'PRODUCT_NOT_FOUND', { id: 'nada' }])
})

test('4.7c: an id with a slash and a query reaches no other route of the service', async () => {
  const id = '../healthz?x=1#y'
  const { status, json } = await ask(system, 'potion-shop', `/product-details/${encodeURIComponent(id)}`)
  expect([status, json.error_code, json.context]).toEqual([404, 'PRODUCT_NOT_FOUND', { id }])
})

test('4.8c: one trace covers all three services, and its id is in the header', async () => {
  const { headers } = await page()
  const traceId = headers.get('x-trace-id') ?? ''
  for (const name of ['potion-shop', 'product-service', 'inventory-service'] as const) {
    const lines = await linesOf(system, name, traceId)
    expect(lines.filter((line) => line['event'] === 'http.request')).toHaveLength(1)
    expect(lines.every((line) => line['service'] === name)).toBe(true)
  }
})

test('4.8c: a failed request has one trace id in header, body and all three logs', async () => {
  await setFault(system, 'product-service', { status: 500 })
  const { headers, json } = await page()
  await clearFault(system, 'product-service')
  expect(headers.get('x-trace-id')).toBe(json.trace_id)
  const shop = await linesOf(system, 'potion-shop', json.trace_id, (line) => line['event'] === 'http_error')
  expect(shop.find((line) => line['event'] === 'http_error')).toMatchObject({ log_level: 'error', status_code: 502 })
  await linesOf(system, 'product-service', json.trace_id)
  await linesOf(system, 'inventory-service', json.trace_id)
})

test('4.8c: continues the trace of the client', async () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`
  const { headers } = await ask(system, 'potion-shop', '/product-details/mana-potion', { headers: { traceparent } })
  expect(headers.get('x-trace-id')).toBe(traceId)
  await linesOf(system, 'product-service', traceId)
})

test('the dashboard counts the requests in the logs', async () => {
  const { json } = await ask(system, 'dashboard', '/api/summary')
  expect(json.requests).toBeGreaterThan(20)
  expect(json.server_errors).toBeGreaterThan(5)
  expect(json.lines.malformed).toBe(0)
  expect(Object.keys(json.by_service)).toContain('product-service')
  const before = json.requests
  await page()
  await until(
    'the next request',
    async () => (await ask(system, 'dashboard', '/api/summary')).json.requests > before,
    2_000,
  )
})

// These tests are last because they leave a breaker open.

test('4.7b: the breaker opens when the inventory stays slow, and the page is fast again', async () => {
  await setFault(system, 'inventory-service', { latency_ms: 5_000 })
  await Promise.all(Array.from({ length: 120 }, page))
  const { status, json, ms } = await page()
  await clearFault(system, 'inventory-service')
  expect([status, json.inventory]).toEqual([200, UNKNOWN])
  expect(ms).toBeLessThan(500)
})

test('4.7c: the breaker opens when the product service keeps failing: 503 and Retry-After', async () => {
  await setFault(system, 'product-service', { status: 500 })
  // Enough failures to outweigh the successful calls of the last 30 seconds.
  const { status, json, headers } = await until('a refusal', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, page))
    return answers.find((answer) => answer.status !== 502)
  })
  await clearFault(system, 'product-service')
  expect([status, json.error_code]).toEqual([503, 'CIRCUIT_OPEN'])
  expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
})
