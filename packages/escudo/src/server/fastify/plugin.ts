import type { Server } from 'node:http'
import type {
  FastifyInstance,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
  HTTPMethods,
  onRequestHookHandler,
  preParsingHookHandler,
} from 'fastify'
import { withAmbient } from '../../core/context/ambient.ts'
import { knownKeys } from '../../core/options/options.ts'
import { WellKnown } from '../../errors/catalogue/well-known.ts'
import type { ErrorContract } from '../../errors/contract/contract.ts'
import { checkContract } from '../contract-option.ts'
import { type Exchange, pathOf } from '../exchange.ts'
import { isValidHost } from '../host.ts'
import { type InboundDeadlineOptions, readInboundDeadline } from '../inbound-deadline.ts'
import { answerError, takeOverFailedSend } from './answer.ts'
import { exchangeOf } from './exchanges.ts'
import { jsonParser } from './json-parser.ts'
import { markOwn, runOtherHooks } from './later-hooks.ts'
import { REGISTER_OPTIONS } from './register-options.ts'
import { handleServerEvents } from './socket-errors.ts'

/** Options of the plugin {@link escudo}. */
export interface EscudoOptions {
  readonly contract: ErrorContract
  /**
   * Accepts the deadline that a caller sends: every shield that serves the request inherits it. Only from peers that the
   * contract's `trustInbound` accepts, because a client could otherwise cancel calls at will. Default false.
   */
  readonly inboundDeadline?: boolean | InboundDeadlineOptions
}

const URL_LENGTH_MAX = 8_192

/**
 * The Fastify plugin that makes a server follow an error contract.
 *
 * - Every error is answered with the contract's error body.
 * - Every response has the header `X-Trace-ID`.
 * - Every request writes one `http.request` log line.
 * - Everything that a request starts runs in its ambient context.
 *
 * Build the server with {@link contractOptions}. Register and await this plugin before you declare routes and before
 * other plugins: its hooks must run first.
 *
 * @throws ConfigurationError without a contract, and for an unknown option
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
export const escudo: FastifyPluginAsync<EscudoOptions> = async (app, options) => {
  knownKeys(options, 'escudo', ['contract', 'inboundDeadline', ...REGISTER_OPTIONS])
  const { contract } = options
  checkContract(contract, 'escudo.contract')
  const deadline = readInboundDeadline(options.inboundDeadline, 'escudo.inboundDeadline')
  const exchangeFor = (request: FastifyRequest, reply: FastifyReply): Exchange =>
    exchangeOf(contract, app.log, request.raw, reply.raw, deadline)
  const methodsFor = methodLookup(app)
  let isClosing = false

  app.addHook('preClose', async () => {
    isClosing = true
  })
  app.addHook('onListen', async () => {
    for (const server of additionalServers(app)) handleServerEvents(server, contract, app.log)
  })
  handleServerEvents(app.server as Server, contract, app.log)

  const onRequest: onRequestHookHandler = (request, reply, done) => {
    const exchange = exchangeFor(request, reply)
    exchange.route = request.routeOptions.url ?? null
    const error = earlyError(request, isClosing)
    // `done` starts the rest of the request, so all of it runs in this context.
    if (error === undefined) withAmbient(exchange.ambient, done)
    else withAmbient(exchange.ambient, () => runOtherHooks(app, request, reply, () => done(error)))
  }
  app.addHook('onRequest', markOwn(onRequest))
  app.addHook('onSend', (request, reply, payload, done) => {
    const isSent = takeOverFailedSend(exchangeFor(request, reply), reply)
    if (!isSent) done(null, payload)
  })
  app.setErrorHandler((error: unknown, request, reply) => {
    answerError(exchangeFor(request, reply), error, request, reply)
  })
  // An unknown route is answered before its body is parsed: it does not matter whether the JSON is valid. Hooks of
  // `onRequest` come first, such as that of CORS.
  const preParsing: preParsingHookHandler = (request, reply, _payload, done) =>
    done(notFoundError(request, reply, methodsFor))
  app.setNotFoundHandler({ preParsing } as object, (request, reply) => {
    answerError(exchangeFor(request, reply), notFoundError(request, reply, methodsFor), request, reply)
  })
  // A text body would reach a handler that expects an object.
  if (app.hasContentTypeParser('text/plain')) app.removeContentTypeParser('text/plain')
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, jsonParser(app))
}
// Fastify's convention for a plugin whose hooks apply to the registering instance instead of a separate scope.
Object.assign(escudo, { [Symbol.for('skip-override')]: true, [Symbol.for('fastify.display-name')]: 'escudo' })

type MethodLookup = (path: string) => readonly string[]

/** The error of a request that can be rejected at once; undefined if there is none. */
function earlyError({ raw }: FastifyRequest, isClosing: boolean): Error | undefined {
  if (isClosing) return new WellKnown.SHUTTING_DOWN()
  const { host } = raw.headers
  // HTTP/1.1 requires a Host header.
  if (host === undefined ? raw.httpVersion === '1.1' : !isValidHost(host)) return new WellKnown.BAD_REQUEST()
  if (countHosts(raw.rawHeaders) > 1) return new WellKnown.BAD_REQUEST()
  if ((raw.url?.length ?? 0) > URL_LENGTH_MAX) return new WellKnown.URI_TOO_LONG()
  return undefined
}

/**
 * 404 for a path without a route, 405 with `Allow` for a path that has routes for other methods only.
 *
 * It is 404 too if a route exists but finds nothing itself, such as a missing file with `reply.callNotFound()`.
 */
function notFoundError(request: FastifyRequest, reply: FastifyReply, methodsFor: MethodLookup): Error {
  const methods = methodsFor(pathOf(request.raw.url ?? '/'))
  if (methods.length === 0 || methods.includes(request.method)) return new WellKnown.ROUTE_NOT_FOUND()
  reply.header('allow', methods.join(', '))
  return new WellKnown.METHOD_NOT_ALLOWED()
}

/** Finds the methods that a path has routes for. Fastify has no 405: it answers 404 for a wrong method. */
function methodLookup(app: FastifyInstance): MethodLookup {
  const find = (method: string, path: string): { readonly params?: object } | null => {
    try {
      return app.findRoute({ method: method as HTTPMethods, url: path })
    } catch {
      return null
    }
  }
  // Fastify accepts no further methods after its start, and makes the list anew for each reader.
  let supported: readonly string[] | undefined
  return (path) => {
    const methods: string[] = []
    let exists = false
    supported ??= app.supportedMethods
    for (const method of supported) {
      const route = find(method, path)
      if (route === null) continue
      methods.push(method)
      // A wildcard for OPTIONS answers every path, as that of the CORS plugin does. It does not make a path exist.
      exists ||= method !== 'OPTIONS' || !Object.hasOwn(route.params ?? {}, '*')
    }
    return exists ? methods : []
  }
}

/** Counts the Host headers of a request. With two of them, a proxy and this server could read different hosts. */
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    if (name?.length === 4 && name.toLowerCase() === 'host') count += 1
  }
  return count
}

/** The second server of a `localhost` with two addresses. Fastify exposes only the first one. */
function additionalServers(app: FastifyInstance): readonly Server[] {
  const key = Object.getOwnPropertySymbols(app).find(({ description }) => description === 'fastify.serverBindings')
  const servers = key === undefined ? [] : (app as unknown as Record<symbol, unknown>)[key]
  return Array.isArray(servers) ? (servers as Server[]) : []
}
