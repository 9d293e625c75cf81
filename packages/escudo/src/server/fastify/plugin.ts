import type { Server } from 'node:http'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import { withAmbient } from '../../core/context/ambient.ts'
import { WellKnown } from '../../errors/catalogue/well-known.ts'
import type { ErrorContract } from '../../errors/contract/contract.ts'
import { type Exchange, pathOf } from '../exchange.ts'
import { answer, rescued } from './answer.ts'
import { exchangeOf } from './exchanges.ts'
import { jsonParser } from './json-parser.ts'
import { listenTo } from './socket-errors.ts'

/** Options of the plugin {@link escudo}. */
export interface EscudoOptions {
  readonly contract: ErrorContract
}

const URL_LENGTH_MAX = 8_192
const NOT_FOUND = 'escudoNotFound'

/**
 * The Fastify plugin: every error that leaves the server has the one body, every response `X-Trace-ID`, every request
 * one `http.request` line, and everything that a request starts sees its context.
 *
 * Await it before declaring routes; hooks of plugins that come later stand inside of it. Build the server with
 * {@link contractOptions}.
 *
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { contractOptions, escudo } from 'escudo/fastify'
 * import Fastify from 'fastify'
 *
 * const Errors = defineErrors({ SOLD_OUT: { status: 409, message: 'Sold out.' } })
 * const contract = createErrorContract({ service: 'potion-shop', errors: Errors })
 * const app = Fastify(contractOptions(contract))
 * await app.register(escudo, { contract })
 * app.get('/potion', async () => {
 *   throw new Errors.SOLD_OUT()
 * })
 * ```
 */
export const escudo: FastifyPluginAsync<EscudoOptions> = async (app, { contract }) => {
  if (typeof contract?.translate !== 'function') {
    throw new TypeError('escudo.contract: expected what createErrorContract returned')
  }
  const of = (request: FastifyRequest, reply: FastifyReply): Exchange =>
    exchangeOf(contract, app.log, request.raw, reply.raw)
  const allowed = methodsOf(app)
  let isClosing = false

  app.addHook('preClose', async () => {
    isClosing = true
  })
  app.addHook('onListen', async () => {
    for (const server of furtherServers(app)) listenTo(server, contract, app.log)
  })
  listenTo(app.server as Server, contract, app.log)

  app.addHook('onRequest', (request, reply, done) => {
    const exchange = of(request, reply)
    exchange.route = request.routeOptions.url ?? null
    // All that follows, on this request, runs inside of this call.
    withAmbient(exchange.ambient, () => done(fault(request, reply, isClosing, allowed)))
  })
  app.addHook('onSend', (request, reply, payload, done) => {
    if (!rescued(of(request, reply), reply)) done(null, payload)
  })
  app.setErrorHandler((error: unknown, request, reply) => {
    answer(of(request, reply), error, request, reply)
  })
  app.setNotFoundHandler({ config: { [NOT_FOUND]: true } } as object, (request, reply) => {
    answer(of(request, reply), notFound(request, reply, allowed), request, reply)
  })
  // Text is no JSON: it would reach a handler that expects an object.
  if (app.hasContentTypeParser('text/plain')) app.removeContentTypeParser('text/plain')
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, jsonParser(app))
}
// Fastify's own convention for a plugin that acts on whoever registers it, instead of on a scope of its own.
Object.assign(escudo, { [Symbol.for('skip-override')]: true, [Symbol.for('fastify.display-name')]: 'escudo' })

/** What is wrong with a request before anything of it has been looked at. */
function fault(
  request: FastifyRequest,
  reply: FastifyReply,
  isClosing: boolean,
  allowed: (path: string) => readonly string[],
): Error | undefined {
  const { raw } = request
  if (isClosing) return new WellKnown.SHUTTING_DOWN()
  if (raw.httpVersion === '1.1' && hostsOf(raw.rawHeaders) !== 1 && raw.headers.host === undefined) {
    return new WellKnown.BAD_REQUEST()
  }
  if (hostsOf(raw.rawHeaders) > 1) return new WellKnown.BAD_REQUEST()
  if ((raw.url?.length ?? 0) > URL_LENGTH_MAX) return new WellKnown.URI_TOO_LONG()
  // Before the body is parsed: on a route that is not there it does not matter whether the JSON is right.
  const config = request.routeOptions.config as unknown as Readonly<Record<string, unknown>> | undefined
  return request.is404 && config?.[NOT_FOUND] === true ? notFound(request, reply, allowed) : undefined
}

/**
 * 404 where there is no such path, 405 with `Allow` where there is one for other methods. A route that was found and
 * then has nothing itself (a file, say, by `reply.callNotFound()`) is no wrong method either.
 */
function notFound(request: FastifyRequest, reply: FastifyReply, allowed: (path: string) => readonly string[]): Error {
  const methods = allowed(pathOf(request.raw.url ?? '/'))
  if (methods.length === 0 || methods.includes(request.method)) return new WellKnown.ROUTE_NOT_FOUND()
  reply.header('allow', methods.join(', '))
  return new WellKnown.METHOD_NOT_ALLOWED()
}

/** Which methods a path has routes for. Fastify answers 404 for the others and knows no 405. */
function methodsOf(app: FastifyInstance): (path: string) => readonly string[] {
  return (path) =>
    app.supportedMethods.filter((method) => {
      try {
        return app.findRoute({ method: method as HTTPMethods, url: path }) !== null
      } catch {
        return false
      }
    })
}

/** How many Host fields a request has. A second one is a way past a proxy. */
function hostsOf(rawHeaders: readonly string[]): number {
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    if (name?.length === 4 && name.toLowerCase() === 'host') count += 1
  }
  return count
}

/** The second server of a `localhost` that has two addresses: Fastify shows only the first. */
function furtherServers(app: FastifyInstance): readonly Server[] {
  const key = Object.getOwnPropertySymbols(app).find(({ description }) => description === 'fastify.serverBindings')
  const servers = key === undefined ? [] : (app as unknown as Record<symbol, unknown>)[key]
  return Array.isArray(servers) ? (servers as Server[]) : []
}
