import { afterAll, beforeAll, expect, test } from 'vitest'
import { linesOf } from '../helpers/logs.ts'
import { until } from '../helpers/processes.ts'
import { type Answer, ask, clearFault, setFault } from '../helpers/requests.ts'
import { openServices } from '../helpers/services.ts'
import { factsOf, traceOf } from '../helpers/shop.ts'
import { cleanUp } from '../helpers/system.ts'
import type { Target } from '../helpers/target.ts'

// 4.7: a page that combines two services.

const PRODUCT = { id: 'mana-potion', name: 'Poción de Maná', description: 'Restaura 100 MP.' }
const VERIFIED = { stock: 42, status: 'Verificado' }
const UNKNOWN = { stock: null, status: 'No se pudo verificar el stock' }

let system: Target

beforeAll(async () => {
  system = await openServices(['potion-shop', 'product-service', 'inventory-service'])
})
afterAll(cleanUp)

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

// faults-table.test.ts has all other faults of both services.

test.each([
  ['404', { status: 404 }],
  ['a slow 500', { latency_ms: 1_500, status: 500 }],
])('4.7b: answers the page within 2.5 s on %s from the inventory', async (_name, fault) => {
  await setFault(system, 'inventory-service', fault)
  const answer = await page()
  await clearFault(system, 'inventory-service')
  expect([answer.status, answer.json]).toEqual([200, { product_info: PRODUCT, inventory: UNKNOWN }])
  expect(answer.ms).toBeLessThan(2_500)
  const lines = await linesOf(system, 'potion-shop', traceOf(answer))
  expect(lines.some((line) => line['log_level'] === 'warning' && line['shield'] === 'inventory')).toBe(true)
  await makeGoodCalls()
})

test.each([400, 401])('4.7c: answers 502 with the status on a %i from the product service', async (status) => {
  await setFault(system, 'product-service', { status })
  const answer = await page()
  await clearFault(system, 'product-service')
  expect(factsOf(answer)).toEqual([
    502,
    'UPSTREAM_ERROR',
    `El servicio de productos falló: ${status}`,
    expect.objectContaining({ status }),
  ])
  expect(answer.ms).toBeLessThan(2_500)
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

test('4.7c, 4.8c: retries the product once; one trace id is in header, body and all three logs', async () => {
  await setFault(system, 'product-service', { status: 500 })
  const { headers, json } = await page()
  await clearFault(system, 'product-service')
  expect(headers.get('x-trace-id')).toBe(json.trace_id)
  const shop = await linesOf(system, 'potion-shop', json.trace_id, (line) => line['event'] === 'http_error')
  expect(shop.find((line) => line['event'] === 'http_error')).toMatchObject({ log_level: 'error', status_code: 502 })
  await linesOf(system, 'inventory-service', json.trace_id)
  // The call and its one retry. The second line may be written a moment after the first.
  const requests = async (): Promise<number> =>
    (await linesOf(system, 'product-service', json.trace_id)).filter((line) => line['event'] === 'http.request').length
  await expect.poll(requests, { timeout: 2_000 }).toBe(2)
})

test('4.7a: the services of the page answer a product and its stock, and fail on request', async () => {
  const product = await ask(system, 'product-service', '/products/mana-potion')
  expect([product.status, product.json]).toEqual([200, PRODUCT])
  expect((await ask(system, 'inventory-service', '/inventory/mana-potion?fail=true')).status).toBe(503)
  expect((await ask(system, 'inventory-service', '/inventory/nada')).status).toBe(404)
})

test('4.3: business errors open no circuit: a page works after 30 unknown products', async () => {
  for (let i = 0; i < 30; i += 1) {
    const { json } = await ask(system, 'potion-shop', '/product-details/nada')
    expect(json.error_code).toBe('PRODUCT_NOT_FOUND')
  }
  expect((await page()).status).toBe(200)
})

// These tests are last because they open the breakers.

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
  const refusal = await until('a refusal', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, page))
    return answers.find((answer) => answer.status !== 502)
  })
  await clearFault(system, 'product-service')
  expect(factsOf(refusal)).toEqual([503, 'CIRCUIT_OPEN', 'Servicio no disponible (Circuito Abierto).', {}])
  expect(refusal.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
  expect((await page()).ms).toBeLessThan(500)
})

test('4.7b, 4.7c: both breakers close again when the services recover', async () => {
  await until('a complete page', async () => {
    const { status, json } = await page()
    return status === 200 && json.inventory.stock === 42
  })
})
