import type { AddressInfo } from 'node:net'
import { dashboardRoutes, ServiceLog } from '@escudo/dashboard/fastify'
import { circuitBreaker, shield } from 'escudo'
import { createErrorContract, defineErrors } from 'escudo/errors'
import { adminRoutes, contractOptions, escudo } from 'escudo/fastify'
import { createLogger, logPolicyEvents } from 'escudo/pino'
import Fastify, { type FastifyInstance } from 'fastify'

/** A request that moved a lever. */
export interface Pulled {
  readonly path: string
  readonly body: unknown
  readonly headers: Readonly<Record<string, unknown>>
}

/** A service with a breaker, its own dashboard, and admin routes. */
export interface LeversService {
  readonly url: string
  /** The name of its shield. There are others: the process lists all of them. */
  readonly name: string
  readonly app: FastifyInstance
  readonly pulled: readonly Pulled[]
  readonly breaker: ReturnType<typeof circuitBreaker>
  /** What the admin routes answer instead of acting. */
  refuseWith(status: number | undefined): void
  close(): Promise<void>
}

const Errors = defineErrors({})
const MESSAGES: Readonly<Record<number, string>> = { 401: 'Who are you?', 403: 'Not you.', 409: 'Two of them.' }
let made = 0

/** Starts it. Without `hasAdmin`, the service has no admin routes. */
export async function startLeversService(hasAdmin = true): Promise<LeversService> {
  made += 1
  const name = `inventory-${made}`
  const lines = new ServiceLog()
  const logger = createLogger({ service: 'shop', stdout: false, sink: lines })
  const stopLog = logPolicyEvents(logger)
  const contract = createErrorContract({ service: 'shop', errors: Errors })
  const app = Fastify(contractOptions(contract, { logger }))
  await app.register(escudo, { contract })
  const breaker = circuitBreaker()
  const inventory = shield(name, breaker)
  const orders = shield(`orders-${made}`, circuitBreaker())
  const pulled: Pulled[] = []
  let refusal: number | undefined
  if (hasAdmin) {
    app.addHook('preHandler', async (request, reply) => {
      if (request.method !== 'POST' || !request.url.startsWith('/admin/')) return
      pulled.push({ path: request.url, body: request.body, headers: request.headers })
      if (refusal !== undefined) return await reply.code(refusal).send({ message: MESSAGES[refusal] })
    })
    await app.register(adminRoutes({ contract, authorize: () => ({ actor: 'ops' }) }))
  }
  const authorize = () => ({ actor: 'ops' })
  await app.register(dashboardRoutes({ lines, authorize }), { prefix: '/ops/dash' })
  app.get('/orders', async () => await orders.run(async () => 'none'))
  app.get('/potions', async () => await inventory.run(async () => 'three'))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  await fetch(`http://127.0.0.1:${port}/potions`)
  return {
    name,
    url: `http://localhost:${port}/ops/dash/`,
    app,
    pulled,
    breaker,
    refuseWith(status) {
      refusal = status
    },
    async close() {
      stopLog()
      await app.close()
    },
  }
}
