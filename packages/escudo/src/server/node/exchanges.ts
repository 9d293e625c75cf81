import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { withAmbient } from '../../core/context/ambient.ts'
import { hidden } from '../../core/hidden-state.ts'
import type { ErrorContract } from '../../errors/contract/contract.ts'
import { Exchange, type InboundRequest, isDisconnect } from '../exchange.ts'
import type { InboundDeadline } from '../inbound-deadline.ts'
import type { ServerLogger } from '../logger.ts'

/** An exchange that has not ended, with Node's objects. */
export interface OpenExchange {
  readonly exchange: Exchange
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** The exchanges of one connection. */
interface Connection {
  /** Those that have not ended, oldest first. There are several if the client pipelines. */
  readonly open: OpenExchange[]
  /** The last request that was answered before it had arrived completely. */
  answeredEarly: IncomingMessage | undefined
}

interface Entry extends OpenExchange {
  readonly connection: Connection
}

const entries = hidden<IncomingMessage | ServerResponse, Entry>()
const connections = hidden<Socket, Connection>()

/** The exchanges of a connection that have not ended, oldest first. */
export function openExchangesOn(socket: Socket): readonly OpenExchange[] {
  return [...(connections.of(socket)?.open ?? [])]
}

/** Whether the request that a connection is still sending already has its answer. */
export function isAnsweredEarly(socket: Socket): boolean {
  return connections.of(socket)?.answeredEarly?.complete === false
}

/** The exchange of a request or response; undefined before {@link exchangeOf}. */
export function existingExchange(holder: IncomingMessage | ServerResponse): Exchange | undefined {
  return entries.of(holder)?.exchange
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
  const existing = entries.of(request)
  if (existing !== undefined) return existing.exchange
  const { method = 'GET', url = '/', headers, socket } = request
  const exchange = new Exchange(contract, logger, inboundOf(socket, method, url, headers), deadline)
  const connection = connectionOf(socket)
  const entry: Entry = { exchange, request, response, connection }
  connection.open.push(entry)
  entries.set(request, entry)
  entries.set(response, entry)
  // Set on Node's response, so that responses which bypass Fastify carry it too.
  response.setHeader('x-trace-id', exchange.ambient.traceId)
  // Node drops what a client has sent behind such a request. Closing tells the client that it gets no more answers.
  if (headers.upgrade !== undefined) response.shouldKeepAlive = false
  emitInContext(request, exchange)
  response.on('finish', onFinish)
  response.on('close', onClose)
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
    // Most events of a stream have no listener. An error without one is thrown.
    if (args[0] !== 'error' && this.listenerCount(args[0]) === 0) return emit.apply(this, args)
    return withAmbient(exchange.ambient, () => emit.apply(this, args))
  } as IncomingMessage['emit']
}

/** The facts of a request. A simulated one may have no socket. */
export function inboundOf(
  socket: Socket | undefined,
  method: string,
  url: string,
  headers: InboundRequest['headers'],
): InboundRequest {
  const isEncrypted = (socket as Partial<TLSSocket> | undefined)?.encrypted === true
  return { method, url, headers, address: socket?.remoteAddress, isEncrypted }
}

// One function for all responses: a closure for each would be the larger part of its cost.
function onFinish(this: ServerResponse): void {
  end(this, this.statusCode)
}

function onClose(this: ServerResponse): void {
  // What was sent has failed, and has destroyed the response with its error, as `pipeline` does, possibly before the headers
  // were sent. Undefined, which the types do not have: it was destroyed without an error, because the client disconnected.
  const errored: unknown = this.errored
  if (!this.writableFinished && errored !== null && errored !== undefined) {
    if (!isDisconnect(errored)) entries.of(this)?.exchange.failAfterHeaders(errored)
  }
  end(this, this.writableFinished ? this.statusCode : undefined)
}

/**
 * Logs a write after the end of a response. Node emits it as an error, which ends the process if nothing listens.
 *
 * Fastify listens itself; Express and Koa do not.
 */
export function logLateWrites(response: ServerResponse): void {
  response.on('error', onLateWrite)
}

function onLateWrite(this: ServerResponse, error: Error): void {
  entries.of(this)?.exchange.failAfterReply(error)
}

/** Ends the exchange of a response that is finished or closed. */
function end(response: ServerResponse, status: number | undefined): void {
  const entry = entries.of(response)
  if (entry === undefined) return
  const { connection, request, exchange } = entry
  remove(connection.open, entry)
  if (!request.complete) connection.answeredEarly = request
  exchange.end(status)
}

function remove(open: OpenExchange[], entry: OpenExchange): void {
  if (open.length === 1 && open[0] === entry) {
    open.pop()
    return
  }
  const index = open.indexOf(entry)
  if (index !== -1) open.splice(index, 1)
}

/** The exchanges of a connection, made once for each connection. */
function connectionOf(socket: Socket | undefined): Connection {
  const existing = socket === undefined ? undefined : connections.of(socket)
  if (existing !== undefined) return existing
  const connection: Connection = { open: [], answeredEarly: undefined }
  if (socket === undefined) return connection
  connections.set(socket, connection)
  // Before Node's own listener, which aborts the requests outside their contexts: the lines of `onRequestAbort` would
  // have no trace id. After a `CONNECT` there is no such listener at all.
  socket.prependOnceListener?.('close', () => {
    for (const { exchange, request, response } of [...connection.open]) {
      withAmbient(exchange.ambient, () => {
        request.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }))
        response.destroy()
        // A response that waits for those of earlier requests never gets the event that ends its exchange.
        if (response.socket === null) exchange.end(undefined)
      })
    }
  })
  return connection
}
