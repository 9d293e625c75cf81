import { seededRandom } from 'escudo'
import { createErrorContract } from 'escudo/errors'
import { contractOptions, escudo } from 'escudo/fastify'
import { createLogger, logPolicyEvents } from 'escudo/pino'
import Fastify, { type FastifyInstance } from 'fastify'
import { metricsRoute } from '../process/metrics.ts'
import { Errors } from './catalogue.ts'
import { createDependencies } from './dependencies.ts'
import { callExternalRoutes } from './routes/call-external.ts'
import { callServiceRoutes } from './routes/call-service.ts'
import { itemRoutes } from './routes/items.ts'
import { productDetailsRoutes } from './routes/product-details.ts'
import { userRoutes } from './routes/users.ts'
import type { ShopValues } from './settings.ts'

const SERVICE = 'potion-shop'

/** The shop's API; it is not listening yet. */
export async function createShop(values: ShopValues): Promise<FastifyInstance> {
  const logger = createLogger({ service: SERVICE, ...(values.logFile === undefined ? {} : { file: values.logFile }) })
  // Retries, open circuits and fallbacks become log lines of the request in which they happen.
  logPolicyEvents(logger)
  const contract = createErrorContract({ service: SERVICE, errors: Errors, locale: 'es' })
  const app = Fastify({ ...contractOptions(contract, { logger }) })
  await app.register(escudo, { contract })

  const dependencies = createDependencies(values)
  const random = values.seed === undefined ? Math.random : seededRandom(values.seed)
  app.get('/healthz', async () => ({ status: 'ok' }))
  metricsRoute(app)
  await app.register(itemRoutes)
  await app.register(userRoutes(values.usersFailRate, random))
  await app.register(callServiceRoutes(dependencies))
  await app.register(callExternalRoutes(dependencies))
  await app.register(productDetailsRoutes(dependencies))
  return app
}
