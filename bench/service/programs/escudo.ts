// The server of escudo: typed errors and traces; with a second argument also metrics, and log lines in that file.
import { createErrorContract, defineErrors } from 'escudo/errors'
import { contractOptions, escudo, route } from 'escudo/fastify'
import { createLogger, logPolicyEvents } from 'escudo/pino'
import { createMetrics } from 'escudo/telemetry'
import Fastify, { type FastifyInstance } from 'fastify'
import { z } from 'zod'

const [port, logFile] = process.argv.slice(2)

const Errors = defineErrors({
  ITEM_NOT_FOUND: {
    status: 404,
    message: { es: "El artículo '{id}' no existe.", en: "Item '{id}' not found." },
    context: z.object({ id: z.string() }),
  },
})
const contract = createErrorContract({ service: 'bench', errors: Errors, locale: 'en' })

/** The log goes to a file only, as that of Fastify does. */
function withTelemetry(file: string): FastifyInstance {
  const logger = createLogger({ service: 'bench', stdout: false, file })
  logPolicyEvents(logger)
  createMetrics()
  return Fastify({ ...contractOptions(contract, { logger }) })
}

const app = logFile === undefined ? Fastify(contractOptions(contract)) : withTelemetry(logFile)
await app.register(escudo, { contract })

const Order = z.object({ item: z.string(), count: z.number().int().min(1) })
app.get('/ok', async () => ({ hello: 'world' }))
app.post(
  '/orders',
  route({ body: Order }, async ({ body }) => ({ ordered: body.item })),
)
app.get('/missing', async () => {
  throw new Errors.ITEM_NOT_FOUND({ id: '7' })
})
await app.listen({ host: '127.0.0.1', port: Number(port) })

process.once('disconnect', () => process.exit(0))
