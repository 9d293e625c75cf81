// The servers that escudo is compared with: Fastify alone, and with a second argument Fastify with its log in that file.
import Fastify from 'fastify'
import { z } from 'zod'

const [port, logFile] = process.argv.slice(2)

const app = Fastify(logFile === undefined ? {} : { logger: { file: logFile } })

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
await app.listen({ host: '127.0.0.1', port: Number(port) })

process.once('disconnect', () => process.exit(0))
