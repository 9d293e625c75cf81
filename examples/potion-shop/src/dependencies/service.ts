import { seededRandom } from 'escudo'
import { type AnyCatalogue, createErrorContract } from 'escudo/errors'
import { contractOptions, escudo } from 'escudo/fastify'
import { createLogger } from 'escudo/pino'
import { faultSwitch } from 'escudo/testing'
import Fastify, { type FastifyInstance } from 'fastify'
import { metricsRoute } from '../process/metrics.ts'

/** What a dependency is made of. */
export interface DependencyOptions {
  readonly service: string
  readonly errors: AnyCatalogue
  readonly seed: number | undefined
  readonly logFile: string | undefined
}

/** A dependency of the shop, without its own routes. */
export interface Dependency {
  readonly app: FastifyInstance
  /** Draws whether the service fails of its own accord. Never while a fault is set: then that decides alone. */
  readonly fails: (rate: number) => boolean
}

/**
 * What the three dependencies have in common: the error contract, the log, the readiness check, and the fault switch,
 * with which a reader breaks them on purpose.
 */
export async function createDependency(options: DependencyOptions): Promise<Dependency> {
  const { service, errors, seed, logFile } = options
  const logger = createLogger({ service, ...(logFile === undefined ? {} : { file: logFile }) })
  const contract = createErrorContract({ service, errors, locale: 'es' })
  const random = seed === undefined ? Math.random : seededRandom(seed)
  // A service that is broken on purpose can still be watched.
  const faults = faultSwitch({ seed, spare: ['/healthz', '/metrics'] })
  const app: FastifyInstance = Fastify({ ...contractOptions(contract, { logger }) })
  await app.register(escudo, { contract })
  // After the plugin, so that a request that is hit by a fault has its trace and its log line all the same.
  app.addHook('onRequest', (request, reply, done) => faults.middleware(request.raw, reply.raw, done))
  // A fault that holds requests back must not hold the end back.
  app.addHook('preClose', async () => faults.halt())
  // Answered by the hook above; without a route the plugin would have called it unknown before.
  app.route({ method: ['GET', 'PUT', 'DELETE'], url: '/__faults', handler: (_request, reply) => reply.callNotFound() })
  app.get('/healthz', async () => ({ status: 'ok' }))
  metricsRoute(app)
  return { app, fails: (rate) => !faults.active && random() < rate }
}
