import type { Request, RequestHandler } from 'express'
import { IdempotencyErrors } from '../idempotency/errors.ts'
import { type Begun, IdempotencyGuard, RETRY_AFTER_S } from '../idempotency/guard.ts'
import { isJsonBody, keepOnNode, replayOnNode, unreadBody } from '../idempotency/on-node.ts'
import type { IdempotencyOptions } from '../idempotency/options.ts'
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
    if (begun.kind === 'replay') replayOnNode(response, begun.answer)
    else {
      if (begun.kind === 'first') keepOnNode(begun.run, response, guard.settings.maxBodyBytes)
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
  if (request.body === undefined && isJsonBody(request) && !request.readableDidRead) {
    request.body = await readJson(request, stateOf(request)?.bodyLimit ?? BODY_LIMIT)
  }
  return request.body ?? unreadBody(request)
}
