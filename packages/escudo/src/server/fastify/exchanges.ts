import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { withAmbient } from '../../core/context/ambient.ts'
import type { ErrorContract } from '../../errors/contract/contract.ts'
import { Exchange, type ServerLogger } from '../exchange.ts'

/** A request that has begun, with Node's own objects. */
export interface OpenExchange {
  readonly exchange: Exchange
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

const exchanges = new WeakMap<IncomingMessage, Exchange>()
// Requests of one connection that are not finished yet: several, where the client pipelines.
const open = new WeakMap<Socket, Set<OpenExchange>>()

/** The requests of a connection that are being served. */
export function openOn(socket: Socket): readonly OpenExchange[] {
  return [...(open.get(socket) ?? [])]
}

/**
 * The exchange of a request; begun by whichever hook sees the request first, since bad URLs and unknown expectations
 * never reach the ordinary hooks.
 */
export function exchangeOf(
  contract: ErrorContract,
  logger: ServerLogger,
  request: IncomingMessage,
  response: ServerResponse,
): Exchange {
  const begun = exchanges.get(request)
  if (begun !== undefined) return begun
  const { method = 'GET', url = '/', headers, socket } = request
  const exchange = new Exchange(contract, logger, { method, url, headers, address: socket?.remoteAddress })
  exchanges.set(request, exchange)
  // On the raw response, so that whoever writes it, the header is there.
  response.setHeader('x-trace-id', exchange.ambient.traceId)
  keepContext(request, exchange)
  track({ exchange, request, response }, socket)
  return exchange
}

/**
 * The events of a request come from the HTTP parser, outside of the request's context. With this, whoever reads the
 * body, by whatever parser, is inside of it.
 */
function keepContext(request: IncomingMessage, exchange: Exchange): void {
  const { headers } = request
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return
  const emit = request.emit
  request.emit = function emitInContext(this: IncomingMessage, ...args: Parameters<IncomingMessage['emit']>): boolean {
    return withAmbient(exchange.ambient, () => emit.apply(this, args))
  } as IncomingMessage['emit']
}

function track(entry: OpenExchange, socket: Socket | undefined): void {
  const { exchange, response } = entry
  const ofSocket = (socket === undefined ? undefined : open.get(socket)) ?? new Set()
  ofSocket.add(entry)
  if (socket !== undefined) open.set(socket, ofSocket)
  const end = (status: number | undefined): void => {
    ofSocket.delete(entry)
    exchange.end(status)
  }
  response.once('finish', () => end(response.statusCode))
  response.once('close', () => end(response.writableFinished ? response.statusCode : undefined))
}
