import { defineErrors } from 'escudo/errors'
import { route } from 'escudo/fastify'
import { z } from 'zod'
import { logEngine, logFile, ownPort, ports, seed } from '../process/known-settings.ts'
import { main } from '../process/main.ts'
import { serve } from '../process/service.ts'
import { createDependency } from './service.ts'

const settings = { port: ownPort(ports.product), seed, logFile, logEngine } as const

const Errors = defineErrors({
  PRODUCT_NOT_FOUND: {
    status: 404,
    message: { es: "Producto con ID '{id}' no encontrado.", en: "Product with ID '{id}' not found." },
    context: z.object({ id: z.string() }),
  },
})

const ProductPath = z.object({ id: z.string() })

const products = new Map([
  ['mana-potion', { id: 'mana-potion', name: 'Poción de Maná', description: 'Restaura 100 MP.' }],
])

await main('product-service', 'node src/dependencies/product.ts', settings, async (values) => {
  const { app } = await createDependency({ service: 'product-service', errors: Errors, ...values })

  app.get(
    '/products/:id',
    route({ params: ProductPath, errors: ['PRODUCT_NOT_FOUND'] }, async ({ params: { id } }) => {
      const product = products.get(id)
      if (product === undefined) throw new Errors.PRODUCT_NOT_FOUND({ id })
      return product
    }),
  )

  await serve(app, { port: values.port, setting: settings.port }, values.logFile)
})
