import type { Context, Next } from 'koa'
import { BodyCapture } from '../idempotency/body-capture.ts'
import { IdempotencyErrors } from '../idempotency/errors.ts'
import { IdempotencyGuard, RETRY_AFTER_S } from '../idempotency/guard.ts'
import { isJsonBody, keepOnNode } from '../idempotency/on-node.ts'
import type { IdempotencyOptions } from '../idempotency/options.ts'
import type { StoredAnswer } from '../idempotency/record.ts'
import { BODY_LIMIT } from '../json-body.ts'
import { existingExchange } from '../node/exchanges.ts'
import { isStreamed } from './bodies.ts'
import { readBody } from './route.ts'

/**
 * Lets each request with an `Idempotency-Key` run once, and replays its answer (IETF draft idempotency-key-header).
 *
 * A middleware for routes: `router.post('/orders', idempotency({ … }), handler)`, or `app.use(…)` after what authenticates
 * requests. The first request with a key runs. A duplicate during that time gets 409 `IDEMPOTENCY_IN_PROGRESS` with
 * `Retry-After`; a later one gets the stored answer with `Idempotency-Replayed: true`. The same key with another target or
 * body gets 422 `IDEMPOTENCY_KEY_REUSED`. Answers with 5xx, 408, 425 and 429 are not stored.
 *
 * A JSON body that no parser has read is read here, as {@link route} reads it, up to 1 MiB. Other bodies are compared only
 * if a parser has put them into `ctx.request.body`. The application needs {@link escudo}.
 *
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import Router from '@koa/router'
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { escudo, idempotency } from 'escudo/koa'
 * import Koa from 'koa'
 *
 * const app = new Koa()
 * escudo(app, { contract: createErrorContract({ service: 'potion-shop', errors: defineErrors({}) }) })
 * const router = new Router()
 * const once = idempotency({ scope: (ctx) => ctx.get('authorization') || 'anonymous' })
 * router.post('/orders', once, (ctx) => {
 *   ctx.status = 201
 *   ctx.body = { order: 7 }
 * })
 * app.use(router.routes())
 * ```
 */
export function idempotency(options: IdempotencyOptions<Context>): (context: Context, next: Next) => Promise<void> {
  const guard = new IdempotencyGuard(options)
  return async function idempotency(context, next) {
    const { method, originalUrl, headers, res } = context
    const begun = await guard
      .begin({
        request: context,
        method,
        // Null in a middleware before the router. The path is in the fingerprint anyway.
        route: existingExchange(res)?.route ?? '',
        url: originalUrl,
        key: headers['idempotency-key'],
        body: () => bodyOf(context),
        headers,
      })
      .catch((error: unknown) => {
        if (IdempotencyErrors.IDEMPOTENCY_IN_PROGRESS.is(error)) context.set('retry-after', String(RETRY_AFTER_S))
        throw error
      })
    if (begun.kind === 'replay') {
      replay(context, begun.answer)
      return
    }
    if (begun.kind === 'without key') {
      await next()
      return
    }
    const { run } = begun
    const { maxBodyBytes } = guard.settings
    // Sees what is not in `ctx.body` yet: the answers of errors, and streams.
    keepOnNode(run, res, maxBodyBytes)
    await next()
    // Before middleware around this one compresses it: a replay passes through the same middleware.
    const answer = answerIn(context, maxBodyBytes)
    if (answer !== undefined) await run.end(answer)
  }
}

async function bodyOf(context: Context): Promise<unknown> {
  const { req } = context
  const { body } = context.request as { readonly body?: unknown }
  if (req.readableDidRead) return body
  return isJsonBody(req) ? await readBody(context, BODY_LIMIT) : undefined
}

/** The answer in a context; undefined for one that Koa does not send from there, or that is a stream. */
function answerIn(context: Context, maxBodyBytes: number): StoredAnswer | 'too large' | undefined {
  const { status, body, response, respond, headerSent } = context
  if (respond === false || headerSent || body === undefined || body === null || isStreamed(body)) return undefined
  const capture = new BodyCapture(maxBodyBytes)
  try {
    capture.add(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body))
  } catch {
    // Koa fails with the same error, which is answered.
    return undefined
  }
  return capture.answer(status, Object.entries(response.headers))
}

function replay(context: Context, { status, headers, body }: StoredAnswer): void {
  context.status = status
  context.body = Buffer.from(body, 'base64')
  // Koa has added it to the body.
  context.remove('content-type')
  for (const [name, value] of headers) context.set(name, value as string | string[])
  context.set('idempotency-replayed', 'true')
}
