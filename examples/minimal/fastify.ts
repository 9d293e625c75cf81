// A service with typed errors: every error has the same body, and every response has a trace id.
import { createErrorContract, defineErrors } from 'escudo/errors'
import { contractOptions, escudo, route } from 'escudo/fastify'
import Fastify from 'fastify'
import { z } from 'zod'

const Errors = defineErrors({
  OUT_OF_STOCK: {
    status: 409,
    message: { en: 'Only {left} left.', es: 'Solo quedan {left}.' },
    context: z.object({ left: z.number() }),
  },
})
const contract = createErrorContract({ service: 'orders', errors: Errors, locale: 'en' })

const app = Fastify(contractOptions(contract)) // add { logger: createLogger({ service: 'orders' }) } of escudo/pino
await app.register(escudo, { contract }) // before the routes

const Order = z.object({ item: z.string(), count: z.number().int().min(1) })
app.post(
  '/orders',
  route({ body: Order, errors: ['OUT_OF_STOCK'] }, async ({ body }) => {
    if (body.count > 5) throw new Errors.OUT_OF_STOCK({ left: 5 })
    return { ordered: body.item }
  }),
)
const url = await app.listen({ host: '127.0.0.1', port: 0 })

for (const order of [{ item: 'potion', count: 1 }, { item: 'potion', count: 9 }, { count: '1' }]) {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/orders`, { method: 'POST', headers, body: JSON.stringify(order) })
  const { error_code, message, ordered } = (await response.json()) as Record<string, string>
  console.log(response.status, ordered ?? `${error_code}: ${message}`)
}
await app.close()
