import { resilientFetch } from 'escudo/http'
import { z } from 'zod'
import type { ShopValues } from './settings.ts'
import { type BulkheadName, bulkheads, external, flaky, inventory, products } from './shields.ts'

const Message = z.object({ message: z.string() })
const Product = z.object({ id: z.string(), name: z.string(), description: z.string() })
const Stock = z.object({ stock: z.number().int() })
const Slow = z.object({ dependency: z.string(), ms: z.number() })

/** Calls to the dependencies of the shop, each through its shield. */
export interface Dependencies {
  readonly callFlaky: () => Promise<z.infer<typeof Message>>
  readonly callExternal: () => Promise<z.infer<typeof Message>>
  readonly product: (id: string) => Promise<z.infer<typeof Product>>
  readonly stock: (id: string) => Promise<{ readonly stock: number | null; readonly status: string }>
  readonly callSlow: (dependency: BulkheadName, ms: number) => Promise<z.infer<typeof Slow>>
}

/**
 * Creates the calls to the dependencies. Each body is parsed and validated inside the shield, so that an invalid body
 * counts as a failure.
 *
 * @param send sends the requests; a test passes one that fails
 */
export function createDependencies(values: ShopValues, send?: typeof fetch): Dependencies {
  const flakyFetch = client('flaky', values.flakyPort, send)
  const productFetch = client('products', values.productPort, send)
  const inventoryFetch = client('inventory', values.inventoryPort, send)

  return {
    callFlaky: () =>
      flaky.run(async ({ signal }) => Message.parse(await json(flakyFetch('/fake_service', { signal })))),
    callExternal: () =>
      external.run(async ({ signal }) => Message.parse(await json(flakyFetch('/unstable', { signal })))),
    product: (id) =>
      products.run(async ({ signal }) =>
        Product.parse(await json(productFetch(`/products/${encodeURIComponent(id)}`, { signal }))),
      ),
    stock: (id) =>
      inventory.run(async ({ signal }) => {
        const { stock } = Stock.parse(await json(inventoryFetch(`/inventory/${encodeURIComponent(id)}`, { signal })))
        return { stock, status: 'Verificado' }
      }),
    callSlow: (dependency, ms) =>
      bulkheads[dependency].run(async ({ signal }) =>
        Slow.parse(await json(flakyFetch(`/slow/${dependency}?ms=${ms}`, { signal }))),
      ),
  }
}

// The shields above already wrap each call, so the client has none.
function client(name: string, port: number, send: typeof fetch | undefined): typeof fetch {
  return resilientFetch({ name, baseUrl: `http://127.0.0.1:${port}`, shield: false, errors: 'throw', fetch: send })
}

async function json(response: Promise<Response>): Promise<unknown> {
  return await (await response).json()
}
