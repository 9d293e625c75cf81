// The small service on Hono: npm run example:hono
import { Readable } from 'node:stream'
import { serve } from '@hono/node-server'
import { escudo, openapi, route } from 'escudo/hono'
import { createLogger } from 'escudo/pino'
import { Hono } from 'hono'
import { generateSpecs } from 'hono-openapi'
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

const contract = contractOf('hono')
const app = new Hono()
const { createServer } = escudo(app, {
  contract,
  logger: createLogger({ service: contract.service }),
  inboundDeadline: true,
})

app.get(
  '/items/:id',
  route({ errors: ['ITEM_NOT_FOUND'] }, (c) => c.json(item(c.req.param('id') as string))),
)
app.post(
  '/users',
  route({ body: NewUser }, (c, { body }) => c.json(body, 201)),
)
app.get('/throw/:what', (c) => throwValue(c.req.param('what')))
app.get(
  '/context/:kind',
  route({ errors: ['AWKWARD_CONTEXT'] }, (c) => throwContext(c.req.param('kind') as string)),
)
app.get('/throw-after-cache-headers', (c) => {
  for (const [name, value] of Object.entries(CACHE_HEADERS)) c.header(name, value)
  return throwAfterHeaders()
})
app.get('/upstream/:how', async (c) => c.json(await upstream(c.req.param('how'))))
app.get('/stream-then-throw', (c) => c.body(Readable.toWeb(Readable.from(brokenBody())) as ReadableStream))
app.get('/deadline', (c) => c.text(deadline()))

// After the routes.
const document = await openapi(app, { contract, info: INFO, generateSpecs })
app.get('/openapi.json', (c) => c.json(document))

const server = serve({ fetch: app.fetch, createServer, hostname: HOST, port: PORT })
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.close())
