import type { FastifyReply, FastifyRequest } from 'fastify'
import { withAmbient } from '../../core/context/ambient.ts'
import type { ErrorAnswer } from '../../errors/contract/contract.ts'
import { phraseOf } from '../../errors/status.ts'
import type { Exchange } from '../exchange.ts'
import { describesBody, mergeVary } from '../headers.ts'
import { drainRequest, isSendable, sendOnResponse } from '../node/raw-answers.ts'
import { fromFastifyError } from './framework-errors.ts'

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
    // A second error: sending the answer to the first one failed.
    if (exchange.answering !== 'no') {
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
  if (exchange.answering === 'no') return false
  if (exchange.answering === 'given') {
    exchange.answering = 'sending'
    return false
  }
  sendPastFastify(exchange, new Error('an onSend hook failed while an error was being answered'), reply)
  return true
}

function sendThroughFastify(
  exchange: Exchange,
  answer: ErrorAnswer,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  exchange.answering = 'given'
  const made = removeHeadersOfBody(reply)
  const vary = reply.getHeader('vary')
  reply.code(answer.status)
  // Fastify would convert each name to lower case again.
  if (made === undefined) reply.headers(answer.headers)
  else Object.assign(made, answer.headers)
  if (vary !== undefined) reply.header('vary', mergeVary(vary, answer.headers['vary'] ?? ''))
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
  reply.serializer(String).send(answer.text)
}

/**
 * Removes the headers and trailers that described the unsent body, and those that Node would refuse to send.
 *
 * @returns the headers that Fastify keeps until it sends them; undefined if they are not accessible
 */
function removeHeadersOfBody(reply: FastifyReply): Record<string, unknown> | undefined {
  const { raw } = reply
  // Headers that were set on Node's response, past Fastify.
  for (const name of raw.getHeaderNames()) removeUnlessKept(reply, name, raw.getHeader(name))
  const key = HEADERS.of(reply)
  // The public way copies the headers of Node's response once more.
  const kept = key === undefined ? undefined : ((reply as unknown as Internals)[key] as Record<string, unknown>)
  const made = kept ?? reply.getHeaders()
  for (const name of Object.keys(made)) removeUnlessKept(reply, name, made[name])
  // Fastify has no public way to remove trailers without their names.
  const trailers = TRAILERS.of(reply)
  if (trailers !== undefined) (reply as unknown as Internals)[trailers] = null
  return kept
}

function removeUnlessKept(reply: FastifyReply, name: string, value: unknown): void {
  if (name === 'x-trace-id' || (!describesBody(name) && isSendable(name, value))) return
  reply.removeHeader(name)
  reply.raw.removeHeader(name)
}

type Internals = Record<symbol, unknown>

/** A key of Fastify's replies without a public name. Each copy of Fastify has a separate one. */
class InternalKey {
  readonly #description: string
  #last: symbol | undefined

  constructor(description: string) {
    this.#description = description
  }

  of(reply: FastifyReply): symbol | undefined {
    if (this.#last === undefined || !(this.#last in reply)) {
      this.#last = Object.getOwnPropertySymbols(reply).find(({ description }) => description === this.#description)
    }
    return this.#last
  }
}

const HEADERS = new InternalKey('fastify.reply.headers')
const TRAILERS = new InternalKey('fastify.reply.trailers')

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
