// The servers that escudo is compared with: Fastify alone, and Fastify with its log.
import Fastify from 'fastify'
import { z } from 'zod'

const { PORT, LOG_FILE } = process.env

const app = Fastify(LOG_FILE === undefined ? {} : { logger: { file: LOG_FILE } })

// The same validator as escudo's side, in the place that Fastify has for it.
const Order = z.object({ item: z.string(), count: z.number().int().min(1) })
app.setValidatorCompiler<z.ZodType>(({ schema }) => (data) => {
  const { success, data: value, error } = schema.safeParse(data)
  return success ? { value } : { error }
})

app.get('/ok', async () => ({ hello: 'world' }))
app.post<{ Body: z.infer<typeof Order> }>('/orders', { schema: { body: Order } }, async ({ body }) => ({
  ordered: body.item,
}))
app.get('/missing', async () => {
  throw Object.assign(new Error("Item '7' not found."), { statusCode: 404, code: 'ITEM_NOT_FOUND' })
})
await app.listen({ host: '127.0.0.1', port: Number(PORT) })

process.once('disconnect', () => process.exit(0))
