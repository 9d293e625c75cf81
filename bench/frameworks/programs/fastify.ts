// Fastify, and its own log.
import { contractOptions, escudo } from 'escudo/fastify'
import Fastify, { type FastifyInstance } from 'fastify'
import { contract, HAS_ESCUDO, HAS_LOGGER, HOST, item, logDestination, PORT, telemetry } from './program.ts'

async function withEscudo(): Promise<FastifyInstance> {
  const app = Fastify({ ...contractOptions(contract, { logger: telemetry() }) })
  await app.register(escudo, { contract })
  return app
}

const app = HAS_ESCUDO ? await withEscudo() : Fastify(HAS_LOGGER ? { logger: { stream: logDestination() } } : {})

app.get<{ Params: { id: string } }>('/items/:id', async ({ params }) =>
  item(params.id, (message) => Object.assign(new Error(message), { statusCode: 404 })),
)
await app.listen({ host: HOST, port: PORT })
