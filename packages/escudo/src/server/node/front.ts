import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http'
import { ambient, withAmbient } from '../../core/context/ambient.ts'
import { hidden } from '../../core/hidden-state.ts'
import { WellKnown } from '../../errors/catalogue/well-known.ts'
import { isThenable } from '../../errors/options/synchronous.ts'
import type { AdapterSettings } from '../adapter-options.ts'
import { Exchange } from '../exchange.ts'
import { targetError } from '../target-error.ts'
import { attachTo } from './attach.ts'
import { refusal } from './begin.ts'
import { answerOnNode } from './error-response.ts'
import { exchangeOf } from './exchanges.ts'
import { responseClass } from './front-response.ts'
import { nodeHttp } from './node-http.ts'
import { lowerScheme } from './request-scheme.ts'

// Frameworks of web standards do not see everything on Node: requests that no `Request` can be made of, the connection,
// the end of a response. This front sees it, and gives the exchange to the adapter inside.

/** Node's objects of a request whose exchange the front has begun. */
export interface NodePair {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** An exchange that the front has begun, and its objects. */
export interface FrontExchange extends NodePair {
  readonly exchange: Exchange
}

/** A listener of Node's `request` event, as libraries make it from a `(request: Request) => Response`. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => unknown

/** Creates a server. It has the signature of `createServer` of `node:http`. */
export type CreateServer = typeof import('node:http').createServer

/** The exchanges that no adapter has taken over yet. */
const waiting = hidden<Exchange, { pair: NodePair | undefined }>()

/** Returns a function that creates a server of Node with everything that an adapter of web standards cannot do. */
export function frontServer(settings: AdapterSettings): CreateServer {
  const { contract, logger, deadline } = settings
  const create = (options: ServerOptions, listener: NodeListener = () => {}): Server => {
    const server = nodeHttp().createServer({
      ...options,
      ServerResponse: responseClass(isWaiting, options.ServerResponse),
    })
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const exchange = exchangeOf(contract, logger, request, response, deadline)
      lowerScheme(request)
      const error = refusal(server, request, response) ?? hostError(request) ?? targetError(request.url ?? '/')
      if (error !== undefined) {
        answerOnNode(exchange, error, request, response)
        return
      }
      waiting.set(exchange, { pair: { request, response } })
      withAmbient(exchange.ambient, () => listen(exchange, listener, request, response))
    })
    attachTo(server, settings)
    return server
  }
  const overloaded = (first?: ServerOptions | NodeListener, second?: NodeListener): Server =>
    typeof first === 'function' ? create({}, first) : create(first ?? {}, second)
  return overloaded as CreateServer
}

/** The last host of which a URL can be made. Most requests have the same. */
let lastHost: string | undefined

/** The error of a valid host of which no URL can be made, such as `256.256.256.256`. A Request needs a URL. */
function hostError({ headers: { host } }: IncomingMessage): Error | undefined {
  if (host === lastHost || host === undefined) return undefined
  if (!URL.canParse(`http://${host}`)) return new WellKnown.BAD_REQUEST()
  lastHost = host
  return undefined
}

/** Whether the request of an exchange has not reached an adapter yet. */
function isWaiting(exchange: Exchange): boolean {
  return waiting.of(exchange)?.pair !== undefined
}

/** Calls a listener. Libraries answer their errors themselves; without that, one would end the process. */
function listen(exchange: Exchange, listener: NodeListener, request: IncomingMessage, response: ServerResponse): void {
  const fail = (error: unknown): void => answerOnNode(exchange, error, request, response)
  try {
    const result = listener(request, response)
    if (isThenable(result)) result.then(undefined, fail)
  } catch (error) {
    fail(error)
  }
}

/** Takes over the exchange of the request that is being served. Only the first call for a request gets it. */
export function takeFromFront(): FrontExchange | undefined {
  const exchange = ambient()?.tally
  if (!(exchange instanceof Exchange)) return undefined
  const state = waiting.of(exchange)
  const pair = state?.pair
  if (state === undefined || pair === undefined) return undefined
  state.pair = undefined
  return { exchange, request: pair.request, response: pair.response }
}
