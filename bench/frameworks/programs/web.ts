// A function from Request to Response on Node. It has no usual logger, so it writes one line of pino for each request.
import { createServer as createNodeServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { escudo } from 'escudo/web'
import { contract, HAS_ESCUDO, HAS_LOGGER, HOST, item, PORT, plainLogger, telemetry } from './program.ts'

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

function withLogger(): Answer {
  const log = plainLogger()
  return async (request) => {
    const startedMs = performance.now()
    const response = await alone(request)
    const { method, url } = request
    log.info({ method, url, status: response.status, responseTime: performance.now() - startedMs }, 'request completed')
    return response
  }
}

function start(createServer: typeof createNodeServer, answer: Answer): void {
  createServer({}, getRequestListener(answer, { hostname: HOST })).listen(PORT, HOST)
}

if (HAS_ESCUDO) {
  const { handler, createServer } = escudo({ contract, logger: telemetry() })
  start(createServer, handler(route))
} else {
  start(createNodeServer, HAS_LOGGER ? withLogger() : alone)
}
