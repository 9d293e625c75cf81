import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { withAmbient } from '../../core/context/ambient.ts'
import type { AdapterSettings } from '../adapter-options.ts'
import type { Exchange } from '../exchange.ts'
import { attachTo } from '../node/attach.ts'
import { beginOnNode } from '../node/begin.ts'
import { answerOnNode } from '../node/error-response.ts'
import { lowerScheme } from '../node/request-scheme.ts'
import { targetError } from '../target-error.ts'
import type { Platform } from './platform.ts'

const served = new WeakSet<Server>()

/** Begins the exchange of each request before the framework sees it, and so before all middleware. */
export function serveThrough(server: Server, settings: AdapterSettings, platform: Platform): void {
  if (served.has(server)) return
  served.add(server)
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
 * @param server the one that the request came through. Default: that of its connection, none for a simulated request
 * @returns the exchange, and the error of a request that is refused before it reaches a route
 */
export function beginRequest(
  settings: AdapterSettings,
  request: IncomingMessage,
  response: ServerResponse,
  server?: Server,
): { readonly exchange: Exchange; readonly error: Error | undefined } {
  const { exchange, error } = beginOnNode(settings, request, response, server)
  lowerScheme(request)
  return { exchange, error: error ?? targetError(request.url ?? '/') }
}
