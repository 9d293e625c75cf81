import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { type Answer, answerOf } from './answer.ts'
import type { WireRequest } from './request.ts'

const BODY_BYTES_MAX = 4 * 1024 * 1024

/**
 * Sends one request over a connection of its own and reads the answer to its end, however it ends: this never throws.
 *
 * @param giveUpMs a request that is not answered whole by then has failed with `TIMEOUT`
 */
export function send(port: number, request: WireRequest, giveUpMs: number): Promise<Answer> {
  return request.raw === undefined ? sendHttp(port, request, giveUpMs) : sendRaw(port, request.raw, giveUpMs)
}

function sendHttp(port: number, request: WireRequest, giveUpMs: number): Promise<Answer> {
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
      clearTimeout(limit)
      clearTimeout(hangUp)
      // A connection that closes before the announced length may tell so later than it tells its own end.
      if (!isWhole()) failure ??= 'INCOMPLETE'
      const text = Buffer.concat(chunks).toString('utf8')
      resolve(answerOf(status, flat(received), text, performance.now() - started, failure))
    }
    const fail = (code: string): void => {
      failure ??= code
      outgoing.destroy()
    }
    // No agent: a connection that a fault has spoilt must not carry the next request.
    const outgoing = httpRequest({ host: '127.0.0.1', port, method, path, headers: { ...headers }, agent: false })
    const limit = setTimeout(() => fail('TIMEOUT'), giveUpMs)
    const hangUp = abortAfterMs === undefined ? undefined : setTimeout(() => fail('ABORTED'), abortAfterMs)
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
      // A server may answer and close before it has read a large body: then the answer counts.
      if (status === 0) failure ??= error.code ?? error.message
    })
    outgoing.once('close', end)
    outgoing.end(body)
  })
}

function sendRaw(port: number, bytes: string, giveUpMs: number): Promise<Answer> {
  const started = performance.now()
  return new Promise((resolve) => {
    let text = ''
    let failure: string | undefined
    const socket = connect({ host: '127.0.0.1', port })
    const limit = setTimeout(() => {
      failure = 'TIMEOUT'
      socket.destroy()
    }, giveUpMs)
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      // A server that keeps the connection open tells the end by the body's length alone.
      if (isWhole(text) || text.length > BODY_BYTES_MAX) socket.destroy()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      failure = error.code ?? error.message
    })
    socket.once('close', () => {
      clearTimeout(limit)
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

/** Reads an answer's bytes: as much of HTTP/1.1 as an answer with a length needs. */
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
