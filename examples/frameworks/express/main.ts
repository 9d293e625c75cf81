// The small service on Express: npm run example:express
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { escudo, route } from 'escudo/express'
import { createLogger } from 'escudo/pino'
import express from 'express'
import { contractOf, NewUser } from '../shared/errors.ts'
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

const contract = contractOf('express')
const logger = createLogger({ service: contract.service })
const { first, last, attach } = escudo({ contract, logger, inboundDeadline: true })

const app = express()
app.disable('x-powered-by')
// As other frameworks do: `/ITEMS/1` and `/items/1/` are other paths than `/items/1`.
app.enable('case sensitive routing')
app.enable('strict routing')
app.use(first)

app.get('/items/:id', ({ params }, response) => {
  response.json(item(params.id))
})
app.post(
  '/users',
  route({ body: NewUser }, ({ body }, response) => {
    response.status(201).json(body)
  }),
)
app.get('/throw/:what', ({ params }) => throwValue(params.what))
app.get('/context/:kind', ({ params }) => throwContext(params.kind))
app.get('/throw-after-cache-headers', (_request, response) => {
  response.set(CACHE_HEADERS)
  throwAfterHeaders()
})
app.get('/upstream/:how', async ({ params }, response) => {
  response.json(await upstream(params.how))
})
app.get('/stream-then-throw', async (_request, response) => {
  response.type('text/plain')
  await pipeline(Readable.from(brokenBody()), response)
})
app.get('/deadline', (_request, response) => {
  response.type('text/plain').send(deadline())
})

app.use(last)

const server = attach(app.listen(PORT, HOST))
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void server.close())
