import { seededRandom } from 'escudo'
import { type AnyCatalogue, createErrorContract } from 'escudo/errors'
import { contractOptions, escudo } from 'escudo/fastify'
import { faultSwitch } from 'escudo/testing'
import Fastify, { type FastifyInstance } from 'fastify'
import { createLog } from '../process/log.ts'
import { metricsRoute } from '../process/metrics.ts'

/** The options of {@link createDependency}. */
export interface DependencyOptions {
  readonly service: string
  readonly errors: AnyCatalogue
  readonly seed: number | undefined
  readonly logFile: string | undefined
  readonly logEngine: string | undefined
}

/** A dependency of the shop, before its routes are added. */
export interface Dependency {
  readonly app: FastifyInstance
  /** Draws whether the service fails at random. Always false while a fault is set. */
  readonly fails: (rate: number) => boolean
}

/**
 * Creates a dependency with the parts that all three share: error contract, log, readiness check, metrics and fault
 * switch.
 */
export async function createDependency(options: DependencyOptions): Promise<Dependency> {
  const { service, errors, seed, logFile: file, logEngine: engine } = options
  const { logger, close } = createLog(service, { file, engine })
  const contract = createErrorContract({ service, errors, locale: 'es' })
  const random = seed === undefined ? Math.random : seededRandom(seed)
  // Faults never hit the readiness check and the metrics.
  const faults = faultSwitch({ seed, spare: ['/healthz', '/metrics'] })
  const app: FastifyInstance = Fastify({ ...contractOptions(contract, { logger }) })
  await app.register(escudo, { contract })
  // After the plugin, so that a request hit by a fault still has its trace and log line.
  app.addHook('onRequest', (request, reply, done) => faults.middleware(request.raw, reply.raw, done))
  app.addHook('onClose', close)
  // Delayed and stalled requests must not delay the shutdown.
  app.addHook('preClose', async () => faults.halt())
  // The hook above answers. The route only keeps the plugin from answering 404 first.
  app.route({ method: ['GET', 'PUT', 'DELETE'], url: '/__faults', handler: (_request, reply) => reply.callNotFound() })
  app.get('/healthz', async () => ({ status: 'ok' }))
  metricsRoute(app)
  return { app, fails: (rate) => !faults.active && random() < rate }
}
