import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AdapterSettings } from '../adapter-options.ts'
import type { Exchange } from '../exchange.ts'
import { attachTo, isClosing, serverOf } from './attach.ts'
import { earlyError } from './early-error.ts'
import { exchangeOf, existingExchange, logLateWrites } from './exchanges.ts'

/**
 * Begins the exchange of a request, for frameworks that answer on Node's response: Express, Koa, Nest.
 *
 * @param server the one that the request came through. Default: that of its connection, none for a simulated request
 * @returns the exchange, and the error of a request that must not reach a route
 */
export function beginOnNode(
  settings: AdapterSettings,
  request: IncomingMessage,
  response: ServerResponse,
  server: Server | undefined = serverOf(request.socket),
): { readonly exchange: Exchange; readonly error: Error | undefined } {
  const { contract, logger, deadline } = settings
  if (existingExchange(request) === undefined) logLateWrites(response)
  const exchange = exchangeOf(contract, logger, request, response, deadline)
  if (server !== undefined) attachTo(server, settings)
  return { exchange, error: refusal(server, request, response) }
}

/** The error of a request that must not reach a route, also because its server closes. Then the connection closes too. */
export function refusal(
  server: Server | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Error | undefined {
  const closes = server !== undefined && isClosing(server)
  if (closes) response.shouldKeepAlive = false
  return earlyError(request, closes)
}
