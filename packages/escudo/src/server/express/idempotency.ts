import type { Request, RequestHandler, Response } from 'express'
import { BodyCapture } from '../idempotency/body-capture.ts'
import { IdempotencyErrors } from '../idempotency/errors.ts'
import { type Begun, type FirstRun, IdempotencyGuard, RETRY_AFTER_S } from '../idempotency/guard.ts'
import type { IdempotencyOptions } from '../idempotency/options.ts'
import { replayedHeaders, type StoredAnswer } from '../idempotency/record.ts'
import { BODY_LIMIT } from '../json-body.ts'
import { readJson } from '../node/read-json.ts'
import { stateOf } from './request-state.ts'

/**
 * Lets each request with an `Idempotency-Key` run once, and replays its answer (IETF draft idempotency-key-header).
 *
 * A middleware for routes: `app.post('/orders', idempotency({ … }), handler)`, or `app.use(…)` after what authenticates
 * requests. The first request with a key runs. A duplicate during that time gets 409 `IDEMPOTENCY_IN_PROGRESS` with
 * `Retry-After`; a later one gets the stored answer with `Idempotency-Replayed: true`. The same key with another target or
 * body gets 422 `IDEMPOTENCY_KEY_REUSED`. Answers with 5xx, 408, 425 and 429 are not stored.
 *
 * A JSON body that no parser has read is read here, as {@link route} reads it. Other bodies are compared only if a parser
 * has put them into `request.body`.
 *
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { escudo, idempotency } from 'escudo/express'
 * import express from 'express'
 *
 * const { first, last } = escudo({ contract: createErrorContract({ service: 'potion-shop', errors: defineErrors({}) }) })
 * const app = express()
 * app.use(first)
 * const once = idempotency({ scope: ({ headers }) => headers.authorization ?? 'anonymous' })
 * app.post('/orders', once, (_request, response) => response.status(201).json({ order: 7 }))
 * app.use(last)
 * ```
 */
export function idempotency(options: IdempotencyOptions<Request>): RequestHandler {
  const guard = new IdempotencyGuard(options)
  return async function idempotency(request, response, next) {
    const { method, originalUrl, headers } = request
    let begun: Begun
    try {
      begun = await guard.begin({
        request,
        method,
        route: pathOfRoute(request),
        url: originalUrl,
        key: headers['idempotency-key'],
        body: () => bodyOf(request),
      })
    } catch (error) {
      if (IdempotencyErrors.IDEMPOTENCY_IN_PROGRESS.is(error)) response.setHeader('retry-after', RETRY_AFTER_S)
      next(error)
      return
    }
    if (begun.kind === 'replay') replay(response, begun.answer)
    else {
      if (begun.kind === 'first') keep(begun.run, response, guard.settings.maxBodyBytes)
      next()
    }
  }
}

/** The pattern of the route; before a route is known, the path: it is in the fingerprint anyway. */
function pathOfRoute({ baseUrl, route }: Request): string {
  const path: unknown = (route as { readonly path?: unknown } | undefined)?.path
  return `${baseUrl}${path === undefined ? '' : String(path)}`
}

async function bodyOf(request: Request): Promise<unknown> {
  const isJson = /^application\/(?:[\w.+-]+\+)?json\b/i.test(request.headers['content-type'] ?? '')
  if (request.body === undefined && isJson && !request.readableDidRead) {
    request.body = await readJson(request, stateOf(request)?.bodyLimit ?? BODY_LIMIT)
  }
  return request.body ?? `${request.headers['content-type'] ?? ''} ${request.headers['content-length'] ?? ''}`
}

function replay(response: Response, { status, headers, body }: StoredAnswer): void {
  response.statusCode = status
  for (const [name, value] of headers) response.setHeader(name, value as string | string[])
  response.setHeader('idempotency-replayed', 'true')
  response.end(Buffer.from(body, 'base64'))
}

type Method = (...args: unknown[]) => unknown

/** Keeps the answer while the handler sends it. */
function keep(run: FirstRun, response: Response, maxBodyBytes: number): void {
  const capture = new BodyCapture(maxBodyBytes)
  const methods = response as unknown as Record<'write' | 'end' | 'writeHead', Method>
  const { write, end, writeHead } = methods
  // Taken before the first byte: what compresses or signs the body adds its headers then, and does so for a replay too.
  let headers: Map<string, unknown> | undefined
  const takeHeaders = (): Map<string, unknown> => {
    headers ??= new Map(Object.entries(response.getHeaders()))
    return headers
  }
  methods.writeHead = (...args) => {
    const taken = takeHeaders()
    for (const [name, value] of headersIn(args.find((arg) => typeof arg === 'object' && arg !== null))) {
      taken.set(name.toLowerCase(), value)
    }
    return writeHead.apply(response, args)
  }
  methods.write = (...args) => {
    takeHeaders()
    capture.add(args[0], encodingIn(args))
    return write.apply(response, args)
  }
  let hasEnded = false
  methods.end = (...args) => {
    if (!hasEnded) {
      hasEnded = true
      const taken = takeHeaders()
      if (typeof args[0] !== 'function') capture.add(args[0], encodingIn(args))
      const body = capture.base64
      const { statusCode: status } = response
      void run.end(body === undefined ? 'too large' : { status, headers: replayedHeaders(taken), body })
    }
    return end.apply(response, args)
  }
  response.once('close', () => run.abandon())
}

function encodingIn(args: readonly unknown[]): BufferEncoding | undefined {
  return typeof args[1] === 'string' ? (args[1] as BufferEncoding) : undefined
}

/** The headers that `writeHead` got: an object, or a list of names and values in turn. */
function headersIn(given: unknown): readonly (readonly [string, unknown])[] {
  if (!Array.isArray(given)) return Object.entries((given ?? {}) as object)
  if (given.every(Array.isArray)) return given as [string, unknown][]
  return Array.from({ length: given.length >> 1 }, (_, index) => [String(given[2 * index]), given[2 * index + 1]])
}
