import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { withAmbient } from '../../core/context/ambient.ts'
import type { AdapterSettings } from '../adapter-options.ts'
import type { Exchange } from '../exchange.ts'
import { attachTo } from '../node/attach.ts'
import { earlyError } from '../node/early-error.ts'
import { answerOnNode } from '../node/error-response.ts'
import { exchangeOf, existingExchange, logLateWrites } from '../node/exchanges.ts'
import { lowerScheme } from '../node/request-scheme.ts'
import { targetError } from '../target-error.ts'
import type { Platform } from './platform.ts'

const served = new WeakSet<Server>()
/** Servers that have listened. Until then, one that does not listen is not closing. */
const started = new WeakSet<Server>()

/** Begins the exchange of each request before the framework sees it, and so before all middleware. */
export function serveThrough(server: Server, settings: AdapterSettings, platform: Platform): void {
  if (served.has(server)) return
  served.add(server)
  if (server.listening) started.add(server)
  server.on('listening', () => started.add(server))
  const listeners = server.listeners('request') as ((...args: unknown[]) => unknown)[]
  server.removeAllListeners('request')
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { exchange, error } = beginRequest(settings, request, response, server)
    if (error !== undefined) {
      answerOnNode(exchange, error, request, response)
      return
    }
    platform.begin(exchange)
    const unanswered = platform.unanswered?.(exchange, request, response)
    withAmbient(exchange.ambient, () => {
      for (const listener of listeners) listener.call(server, request, response, unanswered)
    })
  })
  attachTo(server, settings)
}

/**
 * Begins the exchange of a request.
 *
 * @param server the one that the request came through; undefined for a simulated request
 * @returns the exchange, and the error of a request that is refused before it reaches a route
 */
export function beginRequest(
  settings: AdapterSettings,
  request: IncomingMessage,
  response: ServerResponse,
  server: Server | undefined,
): { readonly exchange: Exchange; readonly error: Error | undefined } {
  const { contract, logger, deadline } = settings
  if (existingExchange(request) === undefined) logLateWrites(response)
  const exchange = exchangeOf(contract, logger, request, response, deadline)
  // A server that is not that of Nest has sent this request, so it has listened.
  const isClosing = server !== undefined && !server.listening && (started.has(server) || !served.has(server))
  if (isClosing) response.shouldKeepAlive = false
  if (server !== undefined && !served.has(server)) attachTo(server, settings)
  lowerScheme(request)
  return { exchange, error: earlyError(request, isClosing) ?? targetError(request.url ?? '/') }
}
