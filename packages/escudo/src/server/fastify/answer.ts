import type { FastifyReply, FastifyRequest } from 'fastify'
import { withAmbient } from '../../core/context/ambient.ts'
import type { ErrorAnswer } from '../../errors/contract/contract.ts'
import { BODY_HEADERS, type Exchange, mergedVary } from '../exchange.ts'
import { translated } from './framework-errors.ts'
import { drain, sendRaw } from './raw-answers.ts'

// Exchanges whose error answer has been handed to Fastify: seen again, its sending failed.
const handedOver = new WeakSet<Exchange>()

/** Answers an error through Fastify, so that the hooks of other plugins still see the reply. */
export function answer(exchange: Exchange, error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  withAmbient(exchange.ambient, () => {
    if (isGone(request)) {
      exchange.failUnheard(translated(error))
      reply.hijack()
      reply.raw.destroy()
      return
    }
    if (reply.raw.headersSent) {
      exchange.breakOff(error)
      reply.hijack()
      reply.raw.destroy()
      return
    }
    if (handedOver.has(exchange)) {
      takeOver(exchange, error, reply)
      return
    }
    send(exchange, exchange.fail(translated(error)), request, reply)
  })
}

/**
 * Seen before each sending, ahead of other hooks: an error's answer that comes by a second time was thrown back by one
 * of them. Fastify would send that hook's message to the client.
 *
 * @returns whether the reply has been dealt with
 */
export function rescued(exchange: Exchange, reply: FastifyReply): boolean {
  if (!handedOver.has(exchange)) return false
  if (!sending.delete(exchange)) {
    takeOver(exchange, new Error('a hook failed while an error was being answered'), reply)
    return true
  }
  return false
}

const sending = new WeakSet<Exchange>()

function send(exchange: Exchange, failure: ErrorAnswer, request: FastifyRequest, reply: FastifyReply): void {
  handedOver.add(exchange)
  sending.add(exchange)
  for (const name of BODY_HEADERS) reply.removeHeader(name)
  const vary = mergedVary(reply.getHeader('vary'), failure.headers['vary'] ?? '')
  reply.code(failure.status).headers({ ...failure.headers, vary })
  // Fastify closes the connection where a body is at fault; whether it is closed is for `drain` to say.
  if (!request.raw.complete && hasBody(request)) {
    const onConnection = reply.raw.getHeader('connection')
    reply.removeHeader('connection')
    if (onConnection !== undefined) reply.raw.setHeader('connection', onConnection)
    drain(request.raw, reply.raw)
  }
  // Text passes as it is: no response schema and no serializer of the route may rewrite it.
  reply.serializer((text: unknown) => String(text)).send(failure.text)
}

function takeOver(exchange: Exchange, error: unknown, reply: FastifyReply): void {
  const failure = exchange.fail(error)
  exchange.failedSending(error)
  reply.hijack()
  sendRaw(reply.raw, failure)
}

function isGone({ raw }: FastifyRequest): boolean {
  // A simulated request (`app.inject`) has a socket without this property.
  return raw.socket?.destroyed === true
}

/** A request without a body is not complete either while its first hook runs; there is nothing to read off. */
function hasBody({ raw: { headers } }: FastifyRequest): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
}
