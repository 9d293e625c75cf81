import type { FastifyReply, FastifyRequest } from 'fastify'
import { withAmbient } from '../../core/context/ambient.ts'
import type { ErrorAnswer } from '../../errors/contract/contract.ts'
import { phraseOf } from '../../errors/status.ts'
import type { Exchange } from '../exchange.ts'
import { describesBody, mergeVary } from '../headers.ts'
import { fromFastifyError } from './framework-errors.ts'
import { drainRequest, isSendable, sendOnResponse } from './raw-answers.ts'

// Exchanges whose error answer Fastify has received. A second error of such an exchange means that sending it failed.
const givenToFastify = new WeakSet<Exchange>()
// Those of them whose `onSend` hooks have not started yet.
const beforeOnSend = new WeakSet<Exchange>()

/** Answers an error through Fastify, so that the hooks of other plugins run for it. */
export function answerError(exchange: Exchange, error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  withAmbient(exchange.ambient, () => {
    if (isDisconnected(request)) {
      exchange.failAfterDisconnect(fromFastifyError(error))
      reply.hijack()
      reply.raw.destroy()
      return
    }
    if (reply.raw.headersSent) {
      exchange.failAfterHeaders(error)
      reply.hijack()
      reply.raw.destroy()
      return
    }
    if (givenToFastify.has(exchange)) {
      sendPastFastify(exchange, error, reply)
      return
    }
    sendThroughFastify(exchange, exchange.fail(fromFastifyError(error)), request, reply)
  })
}

/**
 * Sends the error answer itself if an `onSend` hook has failed on it. To be called first in `onSend`.
 *
 * When a hook throws, Fastify runs the `onSend` hooks again and then sends the hook's message to the client. A second
 * run for the same error answer shows this.
 *
 * @returns whether the answer was sent here, so that Fastify must not send one
 */
export function takeOverFailedSend(exchange: Exchange, reply: FastifyReply): boolean {
  if (!givenToFastify.has(exchange)) return false
  const isFirstRun = beforeOnSend.delete(exchange)
  if (isFirstRun) return false
  sendPastFastify(exchange, new Error('an onSend hook failed while an error was being answered'), reply)
  return true
}

function sendThroughFastify(
  exchange: Exchange,
  answer: ErrorAnswer,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  givenToFastify.add(exchange)
  beforeOnSend.add(exchange)
  removeHeadersOfBody(reply)
  const vary = mergeVary(reply.getHeader('vary'), answer.headers['vary'] ?? '')
  reply.code(answer.status).headers({ ...answer.headers, vary })
  // A handler may have replaced the trace id.
  const { trace_id } = answer.body
  if (reply.getHeader('x-trace-id') !== trace_id) reply.header('x-trace-id', trace_id)
  // A phrase that was set for another status.
  if (reply.raw.statusMessage !== undefined) reply.raw.statusMessage = phraseOf(answer.status)
  // Fastify sets `connection: close` after a faulty body. It is removed, because `drainRequest` reads the rest of the
  // body and closes the connection itself where that is needed.
  if (!request.raw.complete && hasBody(request)) {
    const connection = reply.raw.getHeader('connection')
    reply.removeHeader('connection')
    if (connection !== undefined) reply.raw.setHeader('connection', connection)
    drainRequest(request.raw, reply.raw)
  }
  // The text is sent unchanged: a response schema or a serializer of the route must not rewrite it.
  reply.serializer((text: unknown) => String(text)).send(answer.text)
}

/** Removes the headers and trailers that described the unsent body, and those that Node would refuse to send. */
function removeHeadersOfBody(reply: FastifyReply): void {
  const made = reply.getHeaders()
  for (const name of Object.keys(made)) {
    if (name === 'x-trace-id' || (!describesBody(name) && isSendable(name, made[name]))) continue
    reply.removeHeader(name)
    // Headers that were set on Node's response, past Fastify.
    reply.raw.removeHeader(name)
  }
  const withTrailers = reply as unknown as Record<symbol, unknown>
  if (trailersKey === undefined || !(trailersKey in withTrailers)) {
    trailersKey = Object.getOwnPropertySymbols(reply).find(({ description }) => description === TRAILERS)
  }
  if (trailersKey !== undefined) withTrailers[trailersKey] = null
}

/** Fastify has no public way to remove trailers without their names. */
const TRAILERS = 'fastify.reply.trailers'
let trailersKey: symbol | undefined

function sendPastFastify(exchange: Exchange, error: unknown, reply: FastifyReply): void {
  const answer = exchange.fail(error)
  exchange.logSendingFailure(error)
  const made = reply.getHeaders()
  reply.hijack()
  sendOnResponse(reply.raw, answer, made)
}

/** Whether the client has disconnected. */
export function isDisconnected({ raw }: FastifyRequest): boolean {
  // The socket of a simulated request (`app.inject`) lacks this property.
  return raw.socket?.destroyed === true
}

/** Whether a request has a body. While its first hook runs, a request without one is not `complete` either. */
function hasBody({ raw: { headers } }: FastifyRequest): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
}
