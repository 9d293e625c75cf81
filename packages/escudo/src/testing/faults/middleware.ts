import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FaultEngine, Injection } from './engine.ts'
import { breakBody, stopsWith, whenItsTurn } from './response.ts'

/**
 * What stands before a handler of `node:http`, in the way of Connect. Fastify's `onRequest` hook calls it with
 * `request.raw`, `reply.raw` and its `done`.
 */
export type FaultMiddleware = (request: IncomingMessage, response: ServerResponse, next: () => void) => void

/** A middleware by which requests meet the engine's faults. */
export function faultyMiddleware(engine: FaultEngine, name: string | undefined): FaultMiddleware {
  return (request, response, next) => {
    const injection = engine.decide({ name, method: request.method, path: pathOf(request) })
    if (injection === undefined) next()
    else inject(engine, injection, request, response, next)
  }
}

/** The path of a request, without its query; also of one that names the whole URL, as a proxy's does. */
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
  const strike = (): void => {
    if (fault.error === 'timeout') hold(engine, request, response, next)
    else if (fault.error !== undefined) reset(request, response)
    else {
      if (fault.body !== undefined) breakBody(engine, request, response, fault.body)
      if (fault.status === undefined) next()
      else answer(fault.status, response)
    }
  }
  if (delayMs <= 0) {
    strike()
    return
  }
  // When the client leaves, the handler runs as it would have: whoever logs each request hears of this one too.
  const gone = new AbortController()
  const leave = (): void => gone.abort()
  response.once('close', leave)
  engine.delay(delayMs, gone.signal, stopsWith(request)).then(
    (passed) => {
      response.off('close', leave)
      if (passed) strike()
      else goOn(request, response, next)
    },
    () => goOn(request, response, next),
  )
}

/** Answers nothing, until the client leaves or the faults are halted: then the handler runs. */
function hold(engine: FaultEngine, request: IncomingMessage, response: ServerResponse, next: () => void): void {
  const end = (): void => {
    leave()
    response.off('close', end)
    goOn(request, response, next)
  }
  const leave = engine.keep(end, stopsWith(request))
  response.once('close', end)
}

/** Lets the handler answer after all. A server that closes would wait for a connection that is kept alive. */
function goOn(request: IncomingMessage, response: ServerResponse, next: () => void): void {
  if (stopsWith(request)() && !response.headersSent) response.setHeader('connection', 'close')
  next()
}

/**
 * Resets the connection: what the client of a server sees that is not there either, since a server cannot refuse what it
 * has accepted. A request that was sent before the answers to earlier ones had come waits for its turn.
 */
function reset(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request
  whenItsTurn(response, () => {
    // TLS and the sockets of tests have no reset of their own.
    if ('encrypted' in socket || typeof socket.resetAndDestroy !== 'function') socket.destroy()
    else socket.resetAndDestroy()
  })
}

function answer(status: number, response: ServerResponse): void {
  response.statusCode = status
  response.setHeader('x-injected-fault', 'status')
  if (status === 204 || status === 205 || status === 304) {
    response.end()
    return
  }
  response.setHeader('content-type', 'application/json; charset=utf-8')
  // A HEAD gets the headers alone: Node leaves the body out.
  response.end(JSON.stringify({ error: 'injected fault', status }))
}
