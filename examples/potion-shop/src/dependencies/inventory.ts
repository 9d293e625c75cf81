import { defineErrors } from 'escudo/errors'
import { route } from 'escudo/fastify'
import { z } from 'zod'
import { logEngine, logFile, ownPort, ports, seed } from '../process/known-settings.ts'
import { main } from '../process/main.ts'
import { serve } from '../process/service.ts'
import { createDependency } from './service.ts'

const settings = { port: ownPort(ports.inventory), seed, logFile, logEngine } as const

const Errors = defineErrors({
  STOCK_NOT_FOUND: {
    status: 404,
    message: { es: "No hay inventario de '{id}'.", en: "There is no inventory of '{id}'." },
    context: z.object({ id: z.string() }),
  },
  INVENTORY_UNAVAILABLE: {
    status: 503,
    message: { es: 'Inventario no disponible.', en: 'Inventory unavailable.' },
  },
})

const StockPath = z.object({ id: z.string() })
const StockQuery = z.object({ fail: z.enum(['true', 'false']).optional() })
const ERROR_NAMES = ['STOCK_NOT_FOUND', 'INVENTORY_UNAVAILABLE'] as const

const stocks = new Map([['mana-potion', 42]])

await main('inventory-service', 'node src/dependencies/inventory.ts', settings, async (values) => {
  const { app } = await createDependency({ service: 'inventory-service', errors: Errors, ...values })

  app.get(
    '/inventory/:id',
    route(
      { params: StockPath, query: StockQuery, errors: ERROR_NAMES },
      async ({ params: { id }, query: { fail } }) => {
        if (fail === 'true') throw new Errors.INVENTORY_UNAVAILABLE()
        const stock = stocks.get(id)
        if (stock === undefined) throw new Errors.STOCK_NOT_FOUND({ id })
        return { product_id: id, stock }
      },
    ),
  )

  await serve(app, { port: values.port, setting: settings.port }, values.logFile)
})
