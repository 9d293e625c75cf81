// Koa, and koa-pino-logger.
import Router from '@koa/router'
import { escudo } from 'escudo/koa'
import Koa from 'koa'
import koaPinoLogger from 'koa-pino-logger'
import { contract, HAS_ESCUDO, HAS_LOGGER, HOST, item, logDestination, PORT, telemetry } from './program.ts'

const app = new Koa()
const parts = HAS_ESCUDO ? escudo(app, { contract, logger: telemetry() }) : undefined
if (HAS_LOGGER) app.use(koaPinoLogger({}, logDestination()))

const router = new Router()
router.get('/items/:id', (ctx) => {
  // As `ctx.throw(404, message)` does.
  ctx.body = item(ctx.params['id'] ?? '', (message) => Object.assign(new Error(message), { status: 404, expose: true }))
})
app.use(router.routes())

const server = app.listen(PORT, HOST)
parts?.attach(server)
