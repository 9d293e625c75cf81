import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http'
import { ambient, withAmbient } from '../../core/context/ambient.ts'
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

/** An exchange that the front has begun, with its objects. One for each request, so it is also what the adapter keeps. */
class FrontExchange implements NodePair {
  // Declared here and assigned in the constructor: see decision 0006.
  declare readonly exchange: Exchange
  declare readonly request: IncomingMessage
  declare readonly response: ServerResponse

  constructor(exchange: Exchange, request: IncomingMessage, response: ServerResponse) {
    this.exchange = exchange
    this.request = request
    this.response = response
  }

  get node(): NodePair {
    return this
  }
}

/** A listener of Node's `request` event, as libraries make it from a `(request: Request) => Response`. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => unknown

/** Creates a server. It has the signature of `createServer` of `node:http`. */
export type CreateServer = typeof import('node:http').createServer

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
      exchange.adapterState = new FrontExchange(exchange, request, response)
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
function isWaiting({ adapterState }: Exchange): boolean {
  return adapterState instanceof FrontExchange
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
  if (!(exchange instanceof Exchange) || !(exchange.adapterState instanceof FrontExchange)) return undefined
  const begun = exchange.adapterState
  // What the request has started, such as a timer, keeps its exchange. It must not keep Node's objects too.
  exchange.adapterState = undefined
  return begun
}
