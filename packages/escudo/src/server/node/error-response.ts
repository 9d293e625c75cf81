import type { IncomingMessage, ServerResponse } from 'node:http'
import { withAmbient } from '../../core/context/ambient.ts'
import type { ErrorAnswer } from '../../errors/contract/contract.ts'
import { phraseOf } from '../../errors/status.ts'
import type { Exchange } from '../exchange.ts'
import { describesBody, mergeVary } from '../headers.ts'
import { drainRequest, isSendable, sendOnResponse } from './raw-answers.ts'

/**
 * Answers an error on Node's response, for frameworks that keep no headers themselves: Express, Koa, Nest.
 *
 * Logs only, if the client has disconnected or the response is already sent. Closes the connection if the response has
 * begun: its client must notice that it is not complete.
 *
 * @param error an error of the framework must be converted before
 */
export function answerOnNode(
  exchange: Exchange,
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  withAmbient(exchange.ambient, () => {
    if (response.writableEnded) exchange.failAfterReply(error)
    else if (isDisconnected(request)) {
      exchange.failAfterDisconnect(error)
      response.destroy()
    } else if (response.headersSent) {
      exchange.failAfterHeaders(error)
      response.destroy()
    } else send(exchange, error, request, response)
  })
}

/** Whether the client has disconnected. A simulated request has no socket. */
export function isDisconnected(request: IncomingMessage): boolean {
  return (request.socket as IncomingMessage['socket'] | undefined)?.destroyed === true
}

function send(exchange: Exchange, error: unknown, request: IncomingMessage, response: ServerResponse): void {
  // A second error: sending the answer to the first one failed.
  if (exchange.answering !== 'no') {
    exchange.logSendingFailure(error)
    sendLast(response, exchange.fail(error))
    return
  }
  exchange.answering = 'sending'
  const answer = exchange.fail(error)
  try {
    prepare(response, answer)
    if (hasUnreadBody(request)) drainRequest(request, response)
    // Node omits the body of the answer to HEAD, and keeps its length.
    response.end(answer.text)
  } catch (failure) {
    // Middleware replaces methods of the response, to compress it for example.
    exchange.logSendingFailure(failure)
    sendLast(response, answer)
  }
}

const REPLACED = [
  'end',
  'write',
  'writeHead',
  'setHeader',
  'removeHeader',
  'getHeaderNames',
  'getHeaders',
  'flushHeaders',
] as const

/** Sends the answer with the methods of Node, without those that middleware has put in their place. */
function sendLast(response: ServerResponse, answer: ErrorAnswer): void {
  try {
    for (const name of REPLACED) if (Object.hasOwn(response, name)) delete (response as Partial<ServerResponse>)[name]
    sendOnResponse(response, answer)
  } catch {
    response.destroy()
  }
}

function prepare(response: ServerResponse, answer: ErrorAnswer): void {
  for (const name of response.getHeaderNames()) {
    if (describesBody(name) || !isSendable(name, response.getHeader(name))) response.removeHeader(name)
  }
  const vary = response.getHeader('vary')
  response.statusCode = answer.status
  // The phrase of another status may have been set.
  if (response.statusMessage !== undefined) response.statusMessage = phraseOf(answer.status)
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value)
  if (vary !== undefined) response.setHeader('vary', mergeVary(vary, answer.headers['vary'] ?? ''))
  response.setHeader('x-trace-id', answer.body.trace_id)
  response.setHeader('content-length', Buffer.byteLength(answer.text))
}

/** Whether a part of the request's body has not arrived. */
export function hasUnreadBody({ complete, headers }: IncomingMessage): boolean {
  return !complete && (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined)
}
