// The small service on Koa: npm run example:koa
import { Readable } from 'node:stream'
import Router from '@koa/router'
import { escudo, route } from 'escudo/koa'
import { createLogger } from 'escudo/pino'
import Koa from 'koa'
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

const contract = contractOf('koa')
const app = new Koa()
const { attach } = escudo(app, {
  contract,
  logger: createLogger({ service: contract.service }),
  inboundDeadline: true,
})

// As other frameworks do: `/ITEMS/1` and `/items/1/` are other paths than `/items/1`.
const router = new Router({ sensitive: true, strict: true })

router.get('/items/:id', (ctx) => {
  ctx.body = item(ctx.params['id'] ?? '')
})
router.post(
  '/users',
  route({ body: NewUser }, (ctx, { body }) => {
    ctx.status = 201
    ctx.body = body
  }),
)
router.get('/throw/:what', (ctx) => throwValue(ctx.params['what'] ?? ''))
router.get('/context/:kind', (ctx) => throwContext(ctx.params['kind'] ?? ''))
router.get('/throw-after-cache-headers', (ctx) => {
  ctx.set(CACHE_HEADERS)
  throwAfterHeaders()
})
router.get('/upstream/:how', async (ctx) => {
  ctx.body = await upstream(ctx.params['how'] ?? '')
})
router.get('/stream-then-throw', (ctx) => {
  ctx.type = 'text/plain'
  ctx.body = Readable.from(brokenBody())
})
router.get('/deadline', (ctx) => {
  ctx.body = deadline()
})

app.use(router.routes())

const server = attach(app.listen(PORT, HOST))
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void server.close())
