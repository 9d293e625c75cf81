import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WellKnown } from '../../errors/catalogue/well-known.ts'
import type { ErrorContract } from '../../errors/contract/contract.ts'
import { Exchange } from '../exchange.ts'
import type { ServerLogger } from '../logger.ts'
import { exchangeOf, inboundOf, isAnsweredEarly, type OpenExchange, openExchangesOn } from './exchanges.ts'
import { fromNodeError } from './node-errors.ts'
import { drainRequest, endSocket, sendOnResponse, sendOnSocket } from './raw-answers.ts'
import { requestLineOf } from './request-line.ts'
import { stabilizeTicks } from './stable-ticks.ts'

/** The error of Node's `clientError` event, with the bytes that it could not parse. */
interface ConnectionError {
  readonly code?: string | undefined
  readonly rawPacket?: unknown
  /** How many of these bytes Node could parse. */
  readonly bytesParsed?: unknown
}

// With these codes the connection is gone: no client can read an answer.
const DISCONNECTED: readonly unknown[] = ['ECONNRESET', 'EPIPE', 'ETIMEDOUT']

// A connection gets one answer, although Node reports an error for each further invalid chunk.
const answered = new WeakSet<Duplex>()

/** Answers and logs requests that Node could not read: malformed or oversized heads, broken bodies, slow clients. */
export function onClientError(
  contract: ErrorContract,
  logger: ServerLogger,
  error: ConnectionError,
  socket: Socket,
): void {
  if (answered.has(socket)) return
  answered.add(socket)
  if (DISCONNECTED.includes(error.code) || socket.destroyed || socket.bytesRead === 0) {
    socket.destroy()
    return
  }
  if (isAnsweredEarly(socket)) {
    // The rest of a request that already has its answer. The client gets no second one.
    endSocket(socket)
    return
  }
  const opened = openExchangesOn(socket)
  const incomplete = opened.find(({ request }) => !request.complete)
  // Answers have the order of their requests: those before get theirs first.
  const earlier = incomplete === undefined ? opened : opened.slice(0, opened.indexOf(incomplete))
  whenAllClosed(earlier, () => {
    if (incomplete === undefined) answerUnparsed(contract, logger, error, socket)
    else answerIncomplete(incomplete, error, socket)
  })
}

/** Answers a request whose body cannot be read. */
function answerIncomplete({ exchange, request, response }: OpenExchange, error: ConnectionError, socket: Socket): void {
  if (response.writableEnded) {
    // It has its answer, which may still have to be sent.
    if (response.writableFinished) endSocket(socket)
    else response.once('finish', () => endSocket(socket))
    return
  }
  if (!socket.writable) {
    exchange.end(undefined)
    return
  }
  const answer = exchange.fail(fromNodeError(error))
  // The answer must not follow headers that are already sent.
  if (response.headersSent) {
    socket.destroy()
    return
  }
  sendOnSocket(socket, answer, request.method)
  exchange.end(answer.status)
}

const handledServers = new WeakSet<Server>()

/**
 * Handles what Node would otherwise answer itself: unknown expectations, `CONNECT`, and requests that it cannot read.
 * A second call for a server does nothing.
 */
export function handleServerEvents(server: Server, contract: ErrorContract, logger: ServerLogger): void {
  if (handledServers.has(server)) return
  handledServers.add(server)
  stabilizeTicks()
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    const exchange = exchangeOf(contract, logger, request, response)
    drainRequest(request, response)
    sendOnResponse(response, exchange.fail(new WellKnown.EXPECTATION_FAILED()))
  })
  server.on('connect', (request: IncomingMessage, duplex: Duplex) => {
    const socket = duplex as Socket
    // Node has removed all its listeners. An error without one would end the process.
    socket.on('error', () => socket.destroy())
    // Without a reader nothing tells that the client has disconnected. As Node does, end the requests before it then.
    socket.on('end', () => {
      if (openExchangesOn(socket).length > 0) socket.destroy()
    })
    socket.resume()
    // Answers have the order of their requests (RFC 9112, 9.3.2).
    const before = openExchangesOn(socket)
    whenAllClosed(before, () => answerConnect(contract, logger, request, socket))
  })
  // Fastify listens for this on its first server only. A `localhost` with two addresses has a second server.
  if (server.listenerCount('clientError') === 0) {
    server.on('clientError', (error: ConnectionError, socket: Duplex) =>
      onClientError(contract, logger, error, socket as Socket),
    )
  }
}

function answerConnect(contract: ErrorContract, logger: ServerLogger, request: IncomingMessage, socket: Socket): void {
  const { method = 'CONNECT', url = '', headers } = request
  const exchange = new Exchange(contract, logger, inboundOf(socket, method, url, headers))
  if (!socket.writable) {
    exchange.end(undefined)
    return
  }
  const answer = exchange.fail(new WellKnown.METHOD_NOT_ALLOWED())
  sendOnSocket(socket, { ...answer, headers: { ...answer.headers, allow: '' } }, method)
  exchange.end(answer.status)
}

function answerUnparsed(contract: ErrorContract, logger: ServerLogger, error: ConnectionError, socket: Socket): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const { method, url } = requestLineOf(error.rawPacket, error.bytesParsed)
  const exchange = new Exchange(contract, logger, inboundOf(socket, method, url, {}))
  const answer = exchange.fail(fromNodeError(error))
  sendOnSocket(socket, answer, method)
  exchange.end(answer.status)
}

/** Calls `then` when exchanges have their answers, or when the client has disconnected. */
function whenAllClosed(exchanges: readonly OpenExchange[], then: () => void): void {
  let openCount = exchanges.length
  if (openCount === 0) {
    then()
    return
  }
  for (const { response } of exchanges) {
    response.once('close', () => {
      openCount -= 1
      if (openCount === 0) then()
    })
  }
}
