import { seededRandom } from 'escudo'
import { contractOptions, escudo, route } from 'escudo/fastify'
import { type LineSink, logPolicyEvents } from 'escudo/pino'
import Fastify, { type FastifyInstance } from 'fastify'
import { z } from 'zod'
import { createLog } from '../process/log.ts'
import { metricsRoute } from '../process/metrics.ts'
import { apiPages } from './api-pages.ts'
import { contract } from './contract.ts'
import { createDependencies } from './dependencies.ts'
import { ErrorCounts } from './error-counts.ts'
import { leaveFleet } from './fleet.ts'
import { administration } from './routes/admin.ts'
import { bulkheadDemoRoutes } from './routes/bulkhead-demo.ts'
import { callExternalRoutes } from './routes/call-external.ts'
import { callServiceRoutes } from './routes/call-service.ts'
import { crashDemoRoutes } from './routes/crash-demo.ts'
import { itemRoutes } from './routes/items.ts'
import { orderRoutes } from './routes/orders.ts'
import { productDetailsRoutes } from './routes/product-details.ts'
import { secureDataRoutes } from './routes/secure-data.ts'
import { taskRoutes } from './routes/tasks.ts'
import { trafficRoutes } from './routes/traffic.ts'
import { userLookupRoutes } from './routes/user-lookup.ts'
import { userRoutes } from './routes/users.ts'
import type { ShopValues } from './settings.ts'
import { createRoleLookup } from './tokens.ts'

/** Parts that a test replaces. */
export interface ShopParts {
  /** Sends the requests to the dependencies. Default: the global `fetch`. */
  readonly fetch?: typeof fetch
  /** Receives the log instead of standard output. */
  readonly sink?: LineSink
}

/** Creates the API of the shop, without listening. */
export async function createShop(values: ShopValues, parts: ShopParts = {}): Promise<FastifyInstance> {
  const counts = new ErrorCounts()
  // The error counts read the log.
  // Imported only if it is wanted: without it, the shop starts sooner.
  const dashboard = values.ownDashboard === 'on' ? (await import('./dashboard.ts')).ownDashboard() : undefined
  const sinks = [counts, dashboard?.sink, parts.sink].filter((sink) => sink !== undefined)
  const { logFile: file, logEngine: engine, instance } = values
  const destinations = { file, engine, instance, sinks, stdout: parts.sink === undefined }
  const { logger, close: closeLog } = createLog(contract.service, destinations)
  // Retries, open circuits and fallbacks become log lines of their request. Contract 4.4a promises a line for every
  // retry, so the bound is beyond what a demo reaches.
  const stopPolicyLog = logPolicyEvents(logger, { linesMax: 1_000 })
  const app = Fastify({ ...contractOptions(contract, { logger, requestTimeoutMs: values.requestTimeoutMs }) })
  await app.register(escudo, { contract })
  await app.register(apiPages, { contract })
  app.addHook('onClose', async () => {
    await leaveFleet()
    stopPolicyLog()
    await closeLog()
  })

  const dependencies = createDependencies(values, parts.fetch)
  const random = values.seed === undefined ? Math.random : seededRandom(values.seed)
  app.get(
    '/healthz',
    route({ summary: 'Readiness check', response: z.object({ status: z.literal('ok') }) }, async () => ({
      status: 'ok',
    })),
  )
  metricsRoute(app, instance)
  await app.register(itemRoutes)
  await app.register(orderRoutes())
  await app.register(taskRoutes(values.entriesMax))
  await app.register(userRoutes(values, random))
  await app.register(callServiceRoutes(dependencies))
  await app.register(callExternalRoutes(dependencies))
  await app.register(productDetailsRoutes(dependencies))
  await app.register(bulkheadDemoRoutes(dependencies))
  await app.register(userLookupRoutes)
  await app.register(trafficRoutes)
  const roleOf = createRoleLookup({ user: values.userToken, admin: values.adminToken })
  await app.register(secureDataRoutes(roleOf))
  await app.register(administration({ contract, roleOf, counts }))
  await dashboard?.register(app, roleOf)
  await app.register(crashDemoRoutes)
  return app
}
