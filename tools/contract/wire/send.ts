import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { type Answer, answerOf } from './answer.ts'
import type { WireRequest } from './request.ts'

const BODY_BYTES_MAX = 4 * 1024 * 1024

/**
 * Sends one request over a new connection and reads the whole answer. Never rejects: errors are in `failure`.
 *
 * @param timeoutMs the time limit for the complete answer; the failure is then `TIMEOUT`
 */
export function send(port: number, request: WireRequest, timeoutMs: number): Promise<Answer> {
  return request.raw === undefined ? sendHttp(port, request, timeoutMs) : sendRaw(port, request.raw, timeoutMs)
}

function sendHttp(port: number, request: WireRequest, timeoutMs: number): Promise<Answer> {
  const { method, path, headers, body, abortAfterMs } = request
  const started = performance.now()
  return new Promise((resolve) => {
    let status = 0
    let received: IncomingHttpHeaders = {}
    let length = 0
    let failure: string | undefined
    let isWhole = (): boolean => true
    const chunks: Buffer[] = []
    const end = (): void => {
      clearTimeout(timer)
      clearTimeout(abortTimer)
      // If the connection closes before the announced length, `close` can come before the error.
      if (!isWhole()) failure ??= 'INCOMPLETE'
      const text = Buffer.concat(chunks).toString('utf8')
      resolve(answerOf(status, flat(received), text, performance.now() - started, failure))
    }
    const fail = (code: string): void => {
      failure ??= code
      outgoing.destroy()
    }
    // No agent: a connection that a fault has broken must not be reused.
    const outgoing = httpRequest({ host: '127.0.0.1', port, method, path, headers: { ...headers }, agent: false })
    const timer = setTimeout(() => fail('TIMEOUT'), timeoutMs)
    const abortTimer = abortAfterMs === undefined ? undefined : setTimeout(() => fail('ABORTED'), abortAfterMs)
    outgoing.once('response', (response) => {
      status = response.statusCode ?? 0
      received = response.headers
      isWhole = () => response.complete
      response.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > BODY_BYTES_MAX) fail('BODY_TOO_LARGE')
        else chunks.push(chunk)
      })
      response.on('error', (error: NodeJS.ErrnoException) => {
        failure ??= error.code ?? error.message
      })
    })
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // A server can answer and close before it has read a large body. The answer counts then.
      if (status === 0) failure ??= error.code ?? error.message
    })
    outgoing.once('close', end)
    outgoing.end(body)
  })
}

function sendRaw(port: number, bytes: string, timeoutMs: number): Promise<Answer> {
  const started = performance.now()
  return new Promise((resolve) => {
    let text = ''
    let failure: string | undefined
    const socket = connect({ host: '127.0.0.1', port })
    const timer = setTimeout(() => {
      failure = 'TIMEOUT'
      socket.destroy()
    }, timeoutMs)
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      // If the server keeps the connection open, only the body's length marks the end.
      if (isWhole(text) || text.length > BODY_BYTES_MAX) socket.destroy()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      failure = error.code ?? error.message
    })
    socket.once('close', () => {
      clearTimeout(timer)
      resolve(parseRaw(text, performance.now() - started, text === '' ? (failure ?? 'EMPTY') : failure))
    })
    socket.end(bytes)
  })
}

function isWhole(text: string): boolean {
  const { headers, body } = parseRaw(text, 0, undefined)
  const length = headers['content-length']
  return length !== undefined && Buffer.byteLength(body) >= Number(length)
}

/** Parses a raw HTTP/1.1 answer with a content length. */
export function parseRaw(text: string, ms: number, failure: string | undefined): Answer {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return answerOf(0, {}, text, ms, failure)
  const [first = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers: Record<string, string> = Object.create(null)
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
  }
  return answerOf(Number(first.split(' ')[1]) || 0, headers, text.slice(end + 4), ms, failure)
}

function flat(headers: IncomingHttpHeaders): Answer['headers'] {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  )
}
