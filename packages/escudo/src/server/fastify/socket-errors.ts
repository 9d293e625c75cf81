import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WellKnown } from '../../errors/catalogue/well-known.ts'
import type { ErrorContract } from '../../errors/contract/contract.ts'
import { Exchange, type ServerLogger } from '../exchange.ts'
import { exchangeOf, openOn } from './exchanges.ts'
import { fromNode } from './framework-errors.ts'
import { drain, sendRaw, writeRaw } from './raw-answers.ts'

/** Node's error of a connection, with the bytes that it could not read. */
interface ConnectionError {
  readonly code?: string | undefined
  readonly rawPacket?: unknown
}

// Broken connections, where nobody is left to answer.
const GONE: readonly unknown[] = ['ECONNRESET', 'EPIPE', 'ETIMEDOUT']

// A connection gets one answer, though Node reports each further chunk of rubbish.
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
  if (GONE.includes(error.code) || socket.destroyed || socket.bytesRead === 0) {
    socket.destroy()
    return
  }
  const opened = openOn(socket)
  const unread = opened.find(({ request }) => !request.complete)
  if (unread === undefined) {
    // The head of a new request is at fault; those before it get their answers first.
    afterAll(
      opened.map(({ response }) => response),
      () => answerUnread(contract, logger, error, socket),
    )
    return
  }
  const answer = unread.exchange.fail(fromNode(error))
  if (unread.response.headersSent || opened[0] !== unread) {
    socket.destroy()
    return
  }
  writeRaw(socket, answer, unread.exchange.ambient.traceId)
  unread.exchange.end(answer.status)
}

/** Hears what Node answers by itself otherwise: unknown expectations, and `CONNECT`. Idempotent for each server. */
export function listenTo(server: Server, contract: ErrorContract, logger: ServerLogger): void {
  if (heard.has(server)) return
  heard.add(server)
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    const exchange = exchangeOf(contract, logger, request, response)
    drain(request, response)
    sendRaw(response, exchange.fail(new WellKnown.EXPECTATION_FAILED()))
  })
  server.on('connect', (request: IncomingMessage, socket: Duplex) => {
    const { method = 'CONNECT', url = '', headers } = request
    const address = request.socket.remoteAddress
    const exchange = new Exchange(contract, logger, { method, url, headers, address })
    const answer = exchange.fail(new WellKnown.METHOD_NOT_ALLOWED())
    writeRaw(socket as Socket, { ...answer, headers: { ...answer.headers, allow: '' } }, exchange.ambient.traceId)
    exchange.end(answer.status)
  })
  // Fastify hears this on its first server only, not on the second one of a `localhost` with two addresses.
  if (server.listenerCount('clientError') === 0) {
    server.on('clientError', (error: ConnectionError, socket: Duplex) =>
      onClientError(contract, logger, error, socket as Socket),
    )
  }
}

const heard = new WeakSet<Server>()

function answerUnread(contract: ErrorContract, logger: ServerLogger, error: ConnectionError, socket: Socket): void {
  const { method, url } = firstLine(error.rawPacket)
  const exchange = new Exchange(contract, logger, { method, url, headers: {}, address: socket.remoteAddress })
  const answer = exchange.fail(fromNode(error))
  writeRaw(socket, answer, exchange.ambient.traceId)
  exchange.end(answer.status)
}

/** What can still be read of a head that is otherwise unreadable. */
function firstLine(packet: unknown): { method: string; url: string } {
  const text = packet instanceof Uint8Array ? Buffer.from(packet.subarray(0, 4_096)).toString('latin1') : ''
  const match = /^([A-Z]{1,20}) (\/[^\s]*)/.exec(text)
  return { method: match?.[1] ?? 'UNKNOWN', url: match?.[2] ?? '' }
}

function afterAll(responses: readonly ServerResponse[], then: () => void): void {
  let left = responses.length
  if (left === 0) {
    then()
    return
  }
  for (const response of responses) {
    response.once('close', () => {
      left -= 1
      if (left === 0) then()
    })
  }
}
