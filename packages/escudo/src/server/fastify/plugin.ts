import type { Server } from 'node:http'
import type {
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
  onRequestHookHandler,
  preParsingHookHandler,
} from 'fastify'
import { withAmbient } from '../../core/context/ambient.ts'
import { knownKeys } from '../../core/options/options.ts'
import type { ErrorContract } from '../../errors/contract/contract.ts'
import { checkContract } from '../contract-option.ts'
import { type Exchange, pathOf } from '../exchange.ts'
import { type InboundDeadlineOptions, readInboundDeadline } from '../inbound-deadline.ts'
import { earlyError } from '../node/early-error.ts'
import { exchangeOf } from '../node/exchanges.ts'
import { handleServerEvents } from '../node/socket-errors.ts'
import { routeError } from '../not-found.ts'
import { answerError, takeOverFailedSend } from './answer.ts'
import { jsonParser } from './json-parser.ts'
import { markOwn, runOtherHooks } from './later-hooks.ts'
import { REGISTER_OPTIONS } from './register-options.ts'
import { additionalServers, methodLookup } from './tables.ts'

/** Options of the plugin {@link escudo}. */
export interface EscudoOptions {
  readonly contract: ErrorContract
  /**
   * Accepts the deadline that a caller sends: every shield that serves the request inherits it. Only from peers that the
   * contract's `trustInbound` accepts, because a client could otherwise cancel calls at will. Default false.
   */
  readonly inboundDeadline?: boolean | InboundDeadlineOptions
}

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
    const error = earlyError(request.raw, isClosing)
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
  // It is 404 too if a route finds nothing itself, as with `reply.callNotFound()`.
  const notFoundError = ({ method, raw }: FastifyRequest): Error =>
    routeError(method, methodsFor(pathOf(raw.url ?? '/')))
  const preParsing: preParsingHookHandler = (request, _reply, _payload, done) => done(notFoundError(request))
  app.setNotFoundHandler({ preParsing } as object, (request, reply) => {
    answerError(exchangeFor(request, reply), notFoundError(request), request, reply)
  })
  // A text body would reach a handler that expects an object.
  if (app.hasContentTypeParser('text/plain')) app.removeContentTypeParser('text/plain')
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, jsonParser(app))
}
// Fastify's convention for a plugin whose hooks apply to the registering instance instead of a separate scope.
Object.assign(escudo, { [Symbol.for('skip-override')]: true, [Symbol.for('fastify.display-name')]: 'escudo' })
