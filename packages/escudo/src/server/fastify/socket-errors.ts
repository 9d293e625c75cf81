import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WellKnown } from '../../errors/catalogue/well-known.ts'
import type { ErrorContract } from '../../errors/contract/contract.ts'
import { Exchange } from '../exchange.ts'
import type { ServerLogger } from '../logger.ts'
import { exchangeOf, openExchangesOn } from './exchanges.ts'
import { fromNodeError } from './framework-errors.ts'
import { drainRequest, sendOnResponse, sendOnSocket } from './raw-answers.ts'

/** The error of Node's `clientError` event, with the bytes that it could not parse. */
interface ConnectionError {
  readonly code?: string | undefined
  readonly rawPacket?: unknown
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
  const opened = openExchangesOn(socket)
  const incomplete = opened.find(({ request }) => !request.complete)
  if (incomplete === undefined) {
    // The head of a new request is invalid. The requests before it get their answers first.
    whenAllClosed(
      opened.map(({ response }) => response),
      () => answerUnparsed(contract, logger, error, socket),
    )
    return
  }
  const answer = incomplete.exchange.fail(fromNodeError(error))
  // The answer must not follow headers that are already sent, nor overtake the answer of an earlier request.
  if (incomplete.response.headersSent || opened[0] !== incomplete) {
    socket.destroy()
    return
  }
  sendOnSocket(socket, answer, incomplete.exchange.ambient.traceId)
  incomplete.exchange.end(answer.status)
}

const handledServers = new WeakSet<Server>()

/**
 * Handles what Node would otherwise answer itself: unknown expectations, `CONNECT`, and requests that it cannot read.
 * A second call for a server does nothing.
 */
export function handleServerEvents(server: Server, contract: ErrorContract, logger: ServerLogger): void {
  if (handledServers.has(server)) return
  handledServers.add(server)
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    const exchange = exchangeOf(contract, logger, request, response)
    drainRequest(request, response)
    sendOnResponse(response, exchange.fail(new WellKnown.EXPECTATION_FAILED()))
  })
  server.on('connect', (request: IncomingMessage, socket: Duplex) => {
    const { method = 'CONNECT', url = '', headers } = request
    const address = request.socket.remoteAddress
    const exchange = new Exchange(contract, logger, { method, url, headers, address })
    const answer = exchange.fail(new WellKnown.METHOD_NOT_ALLOWED())
    sendOnSocket(socket as Socket, { ...answer, headers: { ...answer.headers, allow: '' } }, exchange.ambient.traceId)
    exchange.end(answer.status)
  })
  // Fastify listens for this on its first server only. A `localhost` with two addresses has a second server.
  if (server.listenerCount('clientError') === 0) {
    server.on('clientError', (error: ConnectionError, socket: Duplex) =>
      onClientError(contract, logger, error, socket as Socket),
    )
  }
}

function answerUnparsed(contract: ErrorContract, logger: ServerLogger, error: ConnectionError, socket: Socket): void {
  const { method, url } = requestLine(error.rawPacket)
  const exchange = new Exchange(contract, logger, { method, url, headers: {}, address: socket.remoteAddress })
  const answer = exchange.fail(fromNodeError(error))
  sendOnSocket(socket, answer, exchange.ambient.traceId)
  exchange.end(answer.status)
}

/** Reads method and URL from an invalid head, as far as possible. */
function requestLine(packet: unknown): { method: string; url: string } {
  const text = packet instanceof Uint8Array ? Buffer.from(packet.subarray(0, 4_096)).toString('latin1') : ''
  const match = /^([A-Z]{1,20}) (\/[^\s]*)/.exec(text)
  return { method: match?.[1] ?? 'UNKNOWN', url: match?.[2] ?? '' }
}

function whenAllClosed(responses: readonly ServerResponse[], then: () => void): void {
  let openCount = responses.length
  if (openCount === 0) {
    then()
    return
  }
  for (const response of responses) {
    response.once('close', () => {
      openCount -= 1
      if (openCount === 0) then()
    })
  }
}
