import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { ErrorAnswer } from '../../errors/contract/contract.ts'
import { phraseOf } from '../../errors/status.ts'

/** A client that is still sending gets this much more read, so that it can read the answer; then the line is cut. */
const DRAIN_BYTES_MAX = 8 * 1_024 * 1_024
const DRAIN_MS_MAX = 5_000
const LINGER_MS_MAX = 1_000

/** Sends an answer through Node's response, past the framework. */
export function sendRaw(response: ServerResponse, answer: ErrorAnswer): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  for (const name of response.getHeaderNames()) if (name !== 'x-trace-id') response.removeHeader(name)
  // With its phrase: what was meant to be sent before has left its own behind.
  response.writeHead(answer.status, phraseOf(answer.status), {
    ...answer.headers,
    'content-length': Buffer.byteLength(answer.text),
  })
  response.end(answer.text)
}

/** Writes an answer onto a connection whose request could not even be read, and ends the connection. */
export function writeRaw(socket: Socket, answer: ErrorAnswer, traceId: string): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const headers = {
    ...answer.headers,
    'x-trace-id': traceId,
    'content-length': String(Buffer.byteLength(answer.text)),
    date: new Date().toUTCString(),
    connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${answer.status} ${phraseOf(answer.status)}\r\n${lines.join('')}\r\n${answer.text}`)
  // Not destroyed at once: with unread bytes in the socket that would reset the connection, and the client would never
  // read what was written.
  setTimeout(() => socket.destroy(), LINGER_MS_MAX).unref()
}

/**
 * Reads on, within bounds, what a client still sends although the answer is known. Call it before the answer is sent:
 * where the connection is to be closed, Node would do it right behind the answer, and reset it under the client.
 */
export function drain(request: IncomingMessage, response: ServerResponse): void {
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
