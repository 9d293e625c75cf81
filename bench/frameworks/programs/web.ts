// A function from Request to Response on Node, with the usual logger of Node's servers, or with a line written by hand.
import { createServer as createNodeServer, type RequestListener } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { escudo } from 'escudo/web'
import { pinoHttp } from 'pino-http'
import {
  contract,
  HAS_ESCUDO,
  HAS_LOGGER,
  HOST,
  item,
  logDestination,
  PORT,
  plainLogger,
  telemetry,
} from './program.ts'

class NotFound extends Error {}

type Answer = (request: Request) => Promise<Response>

const route: Answer = async ({ url }) => {
  const { pathname } = new URL(url)
  if (!pathname.startsWith('/items/')) throw new NotFound('not found')
  return Response.json(item(pathname.slice('/items/'.length), (message) => new NotFound(message)))
}

const alone: Answer = async (request) => {
  try {
    return await route(request)
  } catch (error) {
    if (error instanceof NotFound) return Response.json({ status: 404, message: error.message }, { status: 404 })
    throw error
  }
}

const listenerOf = (answer: Answer): RequestListener => getRequestListener(answer, { hostname: HOST })

function withLineByHand(): Answer {
  const log = plainLogger()
  return async (request) => {
    const startedMs = performance.now()
    const response = await alone(request)
    const { method, url } = request
    log.info({ method, url, status: response.status, responseTime: performance.now() - startedMs }, 'request completed')
    return response
  }
}

function withPinoHttp(): RequestListener {
  const log = pinoHttp({}, logDestination())
  const listener = listenerOf(alone)
  return (request, response) => {
    log(request, response)
    void listener(request, response)
  }
}

if (HAS_ESCUDO) {
  const { handler, createServer } = escudo({ contract, logger: telemetry() })
  createServer({}, listenerOf(handler(route))).listen(PORT, HOST)
} else {
  const withLogger = process.argv[5] === 'by hand' ? () => listenerOf(withLineByHand()) : withPinoHttp
  createNodeServer(HAS_LOGGER ? withLogger() : listenerOf(alone)).listen(PORT, HOST)
}
