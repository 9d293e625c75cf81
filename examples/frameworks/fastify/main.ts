// The small service on Fastify: npm run example:fastify
import { Readable } from 'node:stream'
import { contractOptions, escudo, openapi, route } from 'escudo/fastify'
import { createLogger } from 'escudo/pino'
import Fastify from 'fastify'
import { contractOf, INFO, NewUser } from '../shared/errors.ts'
import { HOST, PORT } from '../shared/port.ts'
import {
  brokenBody,
  CACHE_HEADERS,
  deadline,
  item,
  throwAfterHeaders,
  throwContext,
  throwValue,
} from '../shared/service.ts'
import { upstream } from '../shared/upstream.ts'

const contract = contractOf('fastify')
const app = Fastify(contractOptions(contract, { logger: createLogger({ service: contract.service }) }))
await app.register(escudo, { contract, inboundDeadline: true })
// GET /openapi.json. Before the routes.
await app.register(openapi, { contract, info: INFO })

// As other frameworks do: an empty parameter is another path.
app.get(
  '/items/:id(.+)',
  route({ errors: ['ITEM_NOT_FOUND'] }, async ({ params }) => item((params as { id: string }).id)),
)
app.post(
  '/users',
  route({ body: NewUser }, async ({ body }, reply) => reply.code(201).send(body)),
)
app.get<{ Params: { what: string } }>('/throw/:what(.+)', async ({ params }) => throwValue(params.what))
app.get(
  '/context/:kind(.+)',
  route({ errors: ['AWKWARD_CONTEXT'] }, async ({ params }) => throwContext((params as { kind: string }).kind)),
)
app.get('/throw-after-cache-headers', async (_request, reply) => {
  reply.headers(CACHE_HEADERS)
  throwAfterHeaders()
})
app.get<{ Params: { how: string } }>('/upstream/:how(.+)', async ({ params }) => await upstream(params.how))
app.get('/stream-then-throw', async (_request, reply) =>
  reply.type('text/plain; charset=utf-8').send(Readable.from(brokenBody())),
)
app.get('/deadline', async (_request, reply) => reply.type('text/plain; charset=utf-8').send(deadline()))

await app.listen({ host: HOST, port: PORT })
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void app.close())
