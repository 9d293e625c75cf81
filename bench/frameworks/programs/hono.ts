// Hono on Node, and its logger on pino.
import { serve } from '@hono/node-server'
import { escudo } from 'escudo/hono'
import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { logger } from 'hono/logger'
import { contract, HAS_ESCUDO, HAS_LOGGER, HOST, item, PORT, plainLogger, telemetry } from './program.ts'

const app = new Hono()
const added = HAS_ESCUDO ? escudo(app, { contract, logger: telemetry() }) : {}
if (HAS_LOGGER) {
  const log = plainLogger()
  app.use(logger((message) => log.info(message)))
}

app.get('/items/:id', (c) => c.json(item(c.req.param('id'), (message) => new HTTPException(404, { message }))))
serve({ fetch: app.fetch, ...added, hostname: HOST, port: PORT })
