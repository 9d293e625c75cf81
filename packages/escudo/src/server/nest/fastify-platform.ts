import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AbstractHttpAdapter } from '@nestjs/core'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AdapterSettings } from '../adapter-options.ts'
import { pathOf } from '../exchange.ts'
import { answerError, takeOverFailedSend } from '../fastify/answer.ts'
import { fromFastifyError } from '../fastify/framework-errors.ts'
import { jsonParser } from '../fastify/json-parser.ts'
import { additionalServers, methodLookup } from '../fastify/tables.ts'
import { answerOnNode } from '../node/error-response.ts'
import { exchangeOf } from '../node/exchanges.ts'
import { routeError } from '../not-found.ts'
import type { Platform } from './platform.ts'

/**
 * Nest on Fastify.
 *
 * @param serve connects a further server: a `localhost` with two addresses has two
 */
export function fastifyPlatform(
  adapter: AbstractHttpAdapter,
  { contract, logger, deadline }: AdapterSettings,
  serve: (server: Server) => void,
): Platform {
  const app = adapter.getInstance() as FastifyInstance
  const methodsFor = methodLookup(app)
  // Fastify's own answer to bytes that are not HTTP. The contract's handler is added where there is none.
  app.server.removeAllListeners('clientError')
  app.addHook('onListen', async () => {
    for (const server of additionalServers(app)) serve(server)
  })
  app.addHook('onRequest', (request, reply, done) => {
    // A simulated request (`app.inject`) comes past the server.
    const exchange = exchangeOf(contract, logger, request.raw, reply.raw, deadline)
    exchange.route = request.routeOptions.url ?? null
    exchange.run(done)
  })
  // An unknown route is answered before its body is parsed: it does not matter whether the JSON is valid.
  app.addHook('preParsing', (request, _reply, _payload, done) => {
    if (request.is404) done(routeError(request.method, methodsFor(pathOf(request.raw.url ?? '/'))))
    else done()
  })
  app.addHook('onSend', (request, reply, payload, done) => {
    const isSent = takeOverFailedSend(exchangeOf(contract, logger, request.raw, reply.raw, deadline), reply)
    if (!isSent) done(null, payload)
  })
  // With `bodyParser: false`, Nest has registered no parsers.
  if ((adapter as { readonly isParserRegistered?: boolean }).isParserRegistered !== true) strictParsers(app)
  return {
    begin: () => {},
    convert: fromFastifyError,
    methodsFor,
    answer: (exchange, error, request, response) => {
      if (isReply(response)) answerError(exchange, error, request as FastifyRequest, response)
      else answerOnNode(exchange, fromFastifyError(error), request as IncomingMessage, response as ServerResponse)
    },
  }
}

/** Middleware of Nest gets the objects of Node. */
function isReply(response: unknown): response is FastifyReply {
  return (response as { readonly raw?: unknown }).raw !== undefined
}

function strictParsers(app: FastifyInstance): void {
  // A text body would reach a handler that expects an object.
  if (app.hasContentTypeParser('text/plain')) app.removeContentTypeParser('text/plain')
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, jsonParser(app))
}
