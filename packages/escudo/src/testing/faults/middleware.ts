import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FaultEngine, Injection } from './engine.ts'
import { afterEarlierResponses, breakBody, stoppedCheck } from './response.ts'

/**
 * A middleware for `node:http`, with the signature of Connect.
 *
 * In Fastify, call it in an `onRequest` hook with `request.raw`, `reply.raw` and `done`.
 */
export type FaultMiddleware = (request: IncomingMessage, response: ServerResponse, next: () => void) => void

/** Creates a middleware whose requests meet the engine's faults. */
export function faultyMiddleware(engine: FaultEngine, name: string | undefined): FaultMiddleware {
  return (request, response, next) => {
    const injection = engine.decide({ name, method: request.method, path: pathOf(request) })
    if (injection === undefined) next()
    else inject(engine, injection, request, response, next)
  }
}

/** The path of a request, without the query. Also handles an absolute URL, as a proxy sends it. */
export function pathOf({ url = '/' }: IncomingMessage): string {
  const path = url.replace(/^https?:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '')
  return path === '' ? '/' : path
}

function inject(
  engine: FaultEngine,
  { fault, delayMs }: Injection,
  request: IncomingMessage,
  response: ServerResponse,
  next: () => void,
): void {
  const applyFault = (): void => {
    if (fault.error === 'timeout') withholdResponse(engine, request, response, next)
    else if (fault.error !== undefined) reset(request, response)
    else {
      if (fault.body !== undefined) breakBody(engine, request, response, fault.body)
      if (fault.status === undefined) next()
      else sendStatus(fault.status, response)
    }
  }
  if (delayMs <= 0) {
    applyFault()
    return
  }
  // If the client disconnects, the handler runs anyway, so that a request log contains this request too.
  const disconnected = new AbortController()
  const onClose = (): void => disconnected.abort()
  response.once('close', onClose)
  engine.delay(delayMs, disconnected.signal, stoppedCheck(request)).then(
    (passed) => {
      response.off('close', onClose)
      if (passed) applyFault()
      else runHandler(request, response, next)
    },
    () => runHandler(request, response, next),
  )
}

/** Sends no response until the client disconnects or the faults are halted. Then the handler runs. */
function withholdResponse(
  engine: FaultEngine,
  request: IncomingMessage,
  response: ServerResponse,
  next: () => void,
): void {
  const end = (): void => {
    untrack()
    response.off('close', end)
    runHandler(request, response, next)
  }
  const untrack = engine.track(end, stoppedCheck(request))
  response.once('close', end)
}

/** Runs the handler. Does not keep the connection alive if the server is closing, because the server waits for it. */
function runHandler(request: IncomingMessage, response: ServerResponse, next: () => void): void {
  if (stoppedCheck(request)() && !response.headersSent) response.setHeader('connection', 'close')
  next()
}

/**
 * Resets the connection, after the responses to earlier requests on it.
 *
 * This also simulates `refused` and `dns`, because a server cannot refuse a connection that it has accepted.
 */
function reset(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request
  afterEarlierResponses(response, () => {
    // TLS sockets and the sockets of some tests cannot be reset.
    if ('encrypted' in socket || typeof socket.resetAndDestroy !== 'function') socket.destroy()
    else socket.resetAndDestroy()
  })
}

function sendStatus(status: number, response: ServerResponse): void {
  response.statusCode = status
  response.setHeader('x-injected-fault', 'status')
  if (status === 204 || status === 205 || status === 304) {
    response.end()
    return
  }
  response.setHeader('content-type', 'application/json; charset=utf-8')
  // Node omits the body in a response to HEAD.
  response.end(JSON.stringify({ error: 'injected fault', status }))
}
