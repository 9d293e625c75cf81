import { createServer, type RequestListener, type Server } from 'node:http'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { endAll, freePorts, startScript, until } from '../helpers/processes.ts'
import { askPort } from '../helpers/requests.ts'

// 4.7b: answers that the fault switch cannot produce. The shop runs alone; this test serves both of its dependencies.

let shop: number
let product: Server
let inventory: Server
let productAnswers: RequestListener
let inventoryAnswers: RequestListener

const json =
  (body: unknown): RequestListener =>
  (_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))

beforeAll(async () => {
  const ports = (await freePorts(3)) as [number, number, number]
  shop = ports[0]
  product = createServer((request, response) => productAnswers(request, response)).listen(ports[1], '127.0.0.1')
  inventory = createServer((request, response) => inventoryAnswers(request, response)).listen(ports[2], '127.0.0.1')
  const env = { ESCUDO_PRODUCT_PORT: String(ports[1]), ESCUDO_INVENTORY_PORT: String(ports[2]) }
  startScript('examples/potion-shop/src/shop/main.ts', ['--port', String(shop)], env)
  await until('the shop', () =>
    askPort(shop, '/healthz').then(
      (answer) => answer.status === 200,
      () => false,
    ),
  )
})
afterEach(() => {
  product.closeAllConnections()
  inventory.closeAllConnections()
})
afterAll(async () => {
  await endAll()
  product.close()
  inventory.close()
})

const HEALTHY = json({ id: 'p', name: 'P', description: 'D' })

test.each<[string, RequestListener]>([
  ['no stock', json({ product_id: 'p' })],
  ['a stock that is null', json({ stock: null })],
  ['a stock that is text', json({ stock: '42' })],
  ['a stock that is not a whole number', json({ stock: 0.5 })],
  ['an array', json([42])],
  ['204 without a body', (_request, response) => response.writeHead(204).end()],
  ['an empty body', (_request, response) => response.writeHead(200).end()],
  ['a redirect to itself', (_request, response) => response.writeHead(302, { location: '/inventory/p' }).end()],
  [
    'an endless body',
    (_request, response) => {
      // White space may precede JSON, so JSON.parse never rejects this. The timer limits the memory of the test.
      const writing = setInterval(() => response.write(' '.repeat(65_536)), 5)
      response.on('close', () => clearInterval(writing))
    },
  ],
])('4.7b: answers the page within 2.5 s when the inventory sends %s', async (_name, listener) => {
  productAnswers = HEALTHY
  inventoryAnswers = listener
  const { status, json: body, ms } = await askPort(shop, '/product-details/p')
  expect([status, body.inventory]).toEqual([200, { stock: null, status: 'No se pudo verificar el stock' }])
  expect(ms).toBeLessThan(2_500)
  // Successful calls keep the breaker closed for the next case.
  inventoryAnswers = json({ stock: 1 })
  for (let i = 0; i < 3; i += 1) {
    const good = await askPort(shop, '/product-details/p')
    expect(good.json.inventory).toEqual({ stock: 1, status: 'Verificado' })
  }
})

test('4.7a: unknown keys in the answer of a dependency do not reach the page', async () => {
  productAnswers = json({ id: 'p', name: 'P', description: 'D', cost: 3 })
  inventoryAnswers = json({ stock: 7, supplier: 'secret' })
  const { json: body } = await askPort(shop, '/product-details/p')
  expect(body).toEqual({
    product_info: { id: 'p', name: 'P', description: 'D' },
    inventory: { stock: 7, status: 'Verificado' },
  })
})
