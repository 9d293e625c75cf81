import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type FaultRule, faults } from 'escudo/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { readSettings } from '../../../examples/potion-shop/src/process/settings.ts'
import { createShop } from '../../../examples/potion-shop/src/shop/app.ts'
import { type ShopValues, shopSettings } from '../../../examples/potion-shop/src/shop/settings.ts'

// 4.10: the two tests of the chapter, each written in two ways. Both ways check the same:
//
//   1. The inventory is optional. It answers 503: the page is 200, with a substitute for the stock.
//   2. The product service is required. It answers 500: the page is 502 and names the service that failed.
//
// With `faults`, nothing listens on a port. The shop gets a `fetch` that answers as healthy services do, and a plan
// injects faults. A fault is a value: instead of `{ status: 503 }` it can be `{ error: 'reset' }`, `{ body: 'stall' }`
// or `{ latencyMs: 5_000 }`, for the nth call or for a share of the calls. A seed makes it repeatable.
//
// With an HTTP mock, real bytes go through real sockets. This also tests how the client reads them. But each fault
// needs its own code, and the most harmful ones (a reset, a body that stalls) need a page of code each.

const PRODUCT = { id: 'mana-potion', name: 'Poción de Maná', description: 'Restaura 100 MP.' }
const PAGE = '/product-details/mana-potion'

/** The result of both ways: the status and the parsed body. */
interface Page {
  readonly status: number
  readonly body: unknown
}

function expectDegraded({ status, body }: Page): void {
  expect(status).toBe(200)
  expect(body).toEqual({
    product_info: PRODUCT,
    inventory: { stock: null, status: 'No se pudo verificar el stock' },
  })
}

function expectBadGateway({ status, body }: Page): void {
  expect(status).toBe(502)
  expect(body).toEqual({
    trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    error_code: 'UPSTREAM_ERROR',
    message: 'El servicio de productos falló: 500',
    status_code: 502,
    service_name: 'potion-shop',
    context: { status: 500 },
  })
}

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const silent = { write: (): void => {} }

function settings(...flags: readonly string[]): ShopValues {
  const values = readSettings(shopSettings, flags, {})
  if (values === 'help') throw new Error('unexpected --help')
  return values
}

describe('4.10 with faults, in one process', () => {
  /** Answers as healthy services do. */
  const healthy: typeof fetch = async (input) => {
    const path = new URL(String(input instanceof Request ? input.url : input)).pathname
    return Response.json(path.startsWith('/products/') ? PRODUCT : { product_id: 'mana-potion', stock: 42 })
  }

  async function pageWith(plan: readonly FaultRule[]): Promise<Page & { readonly injected: number }> {
    const chaos = faults(plan, { seed: 7 })
    const app = await createShop(settings(), { fetch: chaos.fetch(healthy), sink: silent })
    closing.push(() => app.close())
    const { statusCode, body } = await app.inject(PAGE)
    return { status: statusCode, body: JSON.parse(body), injected: chaos.injected }
  }

  test('4.10: the page is complete without a fault', async () => {
    const { status, body } = await pageWith([])
    expect([status, body]).toEqual([200, { product_info: PRODUCT, inventory: { stock: 42, status: 'Verificado' } }])
  })

  test('4.10: the page degrades when the inventory fails', async () => {
    const page = await pageWith([{ match: { path: '/inventory/*' }, fault: { status: 503 } }])
    expectDegraded(page)
    // The call and its one retry.
    expect(page.injected).toBe(2)
  })

  test('4.10: the page is 502 when the product service fails', async () => {
    const page = await pageWith([{ match: { path: '/products/*' }, fault: { status: 500 } }])
    expectBadGateway(page)
    expect(page.injected).toBe(2)
  })

  test('4.10: the page is complete after one failure per service, because each call is retried', async () => {
    const page = await pageWith([
      { match: { path: '/inventory/*', nth: 1 }, fault: { error: 'reset' } },
      { match: { path: '/products/*', nth: 1 }, fault: { body: 'truncated' } },
    ])
    expect([page.status, page.injected]).toEqual([200, 2])
    expect(page.body).toMatchObject({ inventory: { stock: 42 } })
  })
})

describe('4.10 with an HTTP mock, over sockets', () => {
  /** Starts a service that answers with `listener` and counts its calls. */
  async function mock(listener: RequestListener): Promise<{ readonly port: number; readonly calls: () => number }> {
    let calls = 0
    const server: Server = createServer((request, response) => {
      calls += 1
      listener(request, response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => {
      server.closeAllConnections()
      server.close()
    })
    return { port: (server.address() as AddressInfo).port, calls: () => calls }
  }

  const json =
    (body: unknown): RequestListener =>
    (_request, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  const status =
    (code: number): RequestListener =>
    (_request, response) =>
      response.writeHead(code).end()

  async function pageOf(products: { readonly port: number }, inventory: { readonly port: number }): Promise<Page> {
    const ports = ['--product-port', String(products.port), '--inventory-port', String(inventory.port)]
    const app = await createShop(settings(...ports), { sink: silent })
    closing.push(() => app.close())
    const response = await fetch(`${await app.listen({ host: '127.0.0.1', port: 0 })}${PAGE}`)
    return { status: response.status, body: await response.json() }
  }

  test('4.10: the page degrades when the inventory fails', async () => {
    const inventory = await mock(status(503))
    expectDegraded(await pageOf(await mock(json(PRODUCT)), inventory))
    expect(inventory.calls()).toBe(2)
  })

  test('4.10: the page is 502 when the product service fails', async () => {
    const products = await mock(status(500))
    expectBadGateway(await pageOf(products, await mock(json({ stock: 42 }))))
    expect(products.calls()).toBe(2)
  })
})
