// The service of the outage: one route that asks a dependency, with a fallback for when it is down.
import { circuitBreaker, fallback, retry, shield, timeout } from 'escudo'
import { createErrorContract, defineErrors } from 'escudo/errors'
import { contractOptions, escudo } from 'escudo/fastify'
import { resilientFetch } from 'escudo/http'
import { createLogger, logPolicyEvents, logService } from 'escudo/pino'
import Fastify from 'fastify'

const [port, dependencyPort, file] = process.argv.slice(2) as [string, string, string]
const logger = createLogger({ service: 'shop', stdout: false, file })
const stopPolicyLog = logPolicyEvents(logger)
const contract = createErrorContract({ service: 'shop', errors: defineErrors({}) })
const app = Fastify(contractOptions(contract, { logger }))
await app.register(escudo, { contract })

const inventory = shield(
  'inventory',
  fallback({ stock: null }),
  timeout('1s'),
  retry({ maxRetries: 1 }),
  circuitBreaker({ openFor: '10s' }),
)
const ask = resilientFetch({ name: 'inventory', baseUrl: `http://localhost:${dependencyPort}`, shield: false })
app.get('/product/:id', async () => inventory.run(async ({ signal }) => (await ask('/stock', { signal })).json()))

await app.listen({ host: '127.0.0.1', port: Number(port) })
const logStop = logService(logger, { port: Number(port) })
process.once('SIGTERM', async () => {
  await app.close()
  stopPolicyLog()
  logStop({ reason: 'SIGTERM' })
  process.exit(0)
})
