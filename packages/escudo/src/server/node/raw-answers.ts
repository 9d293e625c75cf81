import type { IncomingMessage, OutgoingHttpHeader, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { ErrorAnswer } from '../../errors/contract/contract.ts'
import { phraseOf } from '../../errors/status.ts'
import { belongsToCors, mergeVary } from '../headers.ts'
import { nodeHttp } from './node-http.ts'

// Answers that bypass Fastify: its hooks failed, or it never saw the request.

/** How much of an unread request is still read, so that its client can read the answer. Then the connection is closed. */
const DRAIN_BYTES_MAX = 8 * 1_024 * 1_024
const DRAIN_MS_MAX = 5_000
/** How long a connection stays open after its last answer. */
const LINGER_MS_MAX = 1_000

/** The headers of a response that is being made, by name. */
export type ResponseHeaders = Readonly<Record<string, OutgoingHttpHeader | undefined>>

/**
 * Sends an answer on Node's response. If its headers are already sent, it closes the connection.
 *
 * @param made the headers that were set so far; those of CORS are kept
 */
export function sendOnResponse(
  response: ServerResponse,
  answer: ErrorAnswer,
  made: ResponseHeaders = response.getHeaders(),
): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const kept = Object.entries(made).filter(([name, value]) => belongsToCors(name) && isSendable(name, value))
  for (const name of response.getHeaderNames()) response.removeHeader(name)
  // The phrase is given too: the response can still hold the phrase of an earlier status.
  response.writeHead(answer.status, phraseOf(answer.status), {
    ...(Object.fromEntries(kept) as Record<string, OutgoingHttpHeader>),
    ...answer.headers,
    'x-trace-id': answer.body.trace_id,
    vary: mergeVary(kept.find(([name]) => name === 'vary')?.[1], answer.headers['vary'] ?? ''),
    'content-length': Buffer.byteLength(answer.text),
  })
  response.end(answer.text)
}

/** Whether Node can send a header. It throws for a line break in a value. */
export function isSendable(name: string, value: unknown): boolean {
  if (typeof value === 'string' && /^[\w-]+$/.test(name) && /^[\t\u0020-\u007e]*$/.test(value)) return true
  const { validateHeaderName, validateHeaderValue } = nodeHttp()
  try {
    validateHeaderName(name)
    for (const item of [value].flat()) validateHeaderValue(name, item as string)
    return true
  } catch {
    return false
  }
}

/**
 * Sends an answer on a connection without a response object, because Node could not parse the request. Closes it.
 *
 * @param method that of the request, as far as it is known: the answer to HEAD has no body
 */
export function sendOnSocket(socket: Socket, answer: ErrorAnswer, method: string | undefined): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const headers = {
    ...answer.headers,
    'x-trace-id': answer.body.trace_id,
    'content-length': String(Buffer.byteLength(answer.text)),
    date: new Date().toUTCString(),
    connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const body = method === 'HEAD' ? '' : answer.text
  endSocket(socket, `HTTP/1.1 ${answer.status} ${phraseOf(answer.status)}\r\n${lines.join('')}\r\n${body}`)
}

/** Ends a connection. It is destroyed later: with unread bytes it would be reset, and the client would lose the answer. */
export function endSocket(socket: Socket, bytes = ''): void {
  socket.end(bytes)
  setTimeout(() => socket.destroy(), LINGER_MS_MAX).unref()
}

/**
 * Reads the rest of a request whose answer is already known, at most 8 MiB and 5 s.
 *
 * Call it before the answer is sent. If the connection is to be closed, Node would close it immediately after the
 * answer: unread bytes would then reset the connection before the client has read the answer.
 */
export function drainRequest(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete || request.destroyed) return
  const { socket } = request
  const closes = !response.shouldKeepAlive || response.getHeader('connection') === 'close'
  response.removeHeader('connection')
  response.shouldKeepAlive = true
  let bytes = 0
  const timer = setTimeout(() => socket.destroy(), DRAIN_MS_MAX).unref()
  request.on('data', (chunk: Uint8Array) => {
    bytes += chunk.length
    if (bytes > DRAIN_BYTES_MAX) socket.destroy()
  })
  request.once('close', () => clearTimeout(timer))
  request.once('end', () => {
    clearTimeout(timer)
    if (!closes) return
    if (response.writableFinished) socket.end()
    else response.once('finish', () => socket.end())
  })
  request.resume()
}
