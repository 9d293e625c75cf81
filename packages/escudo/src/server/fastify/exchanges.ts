import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { withAmbient } from '../../core/context/ambient.ts'
import type { ErrorContract } from '../../errors/contract/contract.ts'
import { Exchange } from '../exchange.ts'
import type { InboundDeadline } from '../inbound-deadline.ts'
import type { ServerLogger } from '../logger.ts'

/** An exchange that has not ended, with Node's objects. */
export interface OpenExchange {
  readonly exchange: Exchange
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

const exchanges = new WeakMap<IncomingMessage, Exchange>()
// The open exchanges of each connection. There are several if the client pipelines.
const open = new WeakMap<Socket, Set<OpenExchange>>()
// The request of a connection that was answered before it had arrived completely.
const answeredEarly = new WeakMap<Socket, IncomingMessage>()

/** The exchanges of a connection that have not ended, oldest first. */
export function openExchangesOn(socket: Socket): readonly OpenExchange[] {
  return [...(open.get(socket) ?? [])]
}

/** Whether the request that a connection is still sending already has its answer. */
export function isAnsweredEarly(socket: Socket): boolean {
  return answeredEarly.get(socket)?.complete === false
}

/**
 * Returns the exchange of a request, and creates it on the first call.
 *
 * Any hook can come first: requests with a bad URL or an unknown expectation never reach `onRequest`.
 */
export function exchangeOf(
  contract: ErrorContract,
  logger: ServerLogger,
  request: IncomingMessage,
  response: ServerResponse,
  deadline?: InboundDeadline,
): Exchange {
  const existing = exchanges.get(request)
  if (existing !== undefined) return existing
  const { method = 'GET', url = '/', headers, socket } = request
  const exchange = new Exchange(contract, logger, { method, url, headers, address: socket?.remoteAddress }, deadline)
  exchanges.set(request, exchange)
  // Set on Node's response, so that responses which bypass Fastify carry it too.
  response.setHeader('x-trace-id', exchange.ambient.traceId)
  // Node drops what a client has sent behind such a request. Closing tells the client that it gets no more answers.
  if (headers.upgrade !== undefined) response.shouldKeepAlive = false
  emitInContext(request, exchange)
  endWithResponse({ exchange, request, response }, socket)
  return exchange
}

/**
 * Emits the events of a request inside its ambient context. The HTTP parser emits them outside any context, so a
 * body parser would not see the context of its request.
 */
function emitInContext(request: IncomingMessage, exchange: Exchange): void {
  const { headers } = request
  // Without a body there is nothing to read.
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return
  const emit = request.emit
  request.emit = function emitInContext(this: IncomingMessage, ...args: Parameters<IncomingMessage['emit']>): boolean {
    return withAmbient(exchange.ambient, () => emit.apply(this, args))
  } as IncomingMessage['emit']
}

/** Keeps an exchange among those of its connection until its response is finished or closed, and ends it then. */
function endWithResponse(entry: OpenExchange, socket: Socket | undefined): void {
  const { exchange, response } = entry
  const onSocket = (socket === undefined ? undefined : open.get(socket)) ?? exchangesOf(socket)
  onSocket.add(entry)
  const end = (status: number | undefined): void => {
    onSocket.delete(entry)
    if (!entry.request.complete && socket !== undefined) answeredEarly.set(socket, entry.request)
    exchange.end(status)
  }
  response.once('finish', () => end(response.statusCode))
  response.once('close', () => end(response.writableFinished ? response.statusCode : undefined))
}

/** Makes the set of a connection's exchanges. Once for each connection. */
function exchangesOf(socket: Socket | undefined): Set<OpenExchange> {
  const entries = new Set<OpenExchange>()
  if (socket === undefined) return entries
  open.set(socket, entries)
  // Before Node's own listener, which aborts the requests outside their contexts: the lines of `onRequestAbort` would
  // have no trace id. After a `CONNECT` there is no such listener at all.
  socket.prependOnceListener?.('close', () => {
    for (const { exchange, request, response } of [...entries]) {
      withAmbient(exchange.ambient, () => {
        request.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }))
        response.destroy()
        // A response that waits for those of earlier requests never gets the event that ends its exchange.
        if (response.socket === null) exchange.end(undefined)
      })
    }
  })
  return entries
}
