import type { Context, MiddlewareHandler } from 'hono'
import { MisuseError } from '../../core/misuse-error.ts'
import { IdempotencyErrors } from '../idempotency/errors.ts'
import { IdempotencyGuard, RETRY_AFTER_S } from '../idempotency/guard.ts'
import type { IdempotencyOptions } from '../idempotency/options.ts'
import { keepResponse, replayedResponse } from '../web/keep-response.ts'
import { beginKeyed } from '../web/keyed-request.ts'
import { exchangeIn } from './context.ts'

/**
 * Lets each request with an `Idempotency-Key` run once, and replays its answer (IETF draft idempotency-key-header).
 *
 * A middleware for routes: `app.post('/orders', idempotency({ … }), handler)`, or `app.use(…)` after what authenticates
 * requests. The first request with a key runs. A duplicate during that time gets 409 `IDEMPOTENCY_IN_PROGRESS` with
 * `Retry-After`; a later one gets the stored answer with `Idempotency-Replayed: true`. The same key with another target or
 * body gets 422 `IDEMPOTENCY_KEY_REUSED`. Answers with 5xx, 408, 425 and 429 are not stored.
 *
 * A JSON body of at most 1 MiB is compared. The handler can read it as usual. Other bodies are compared by their type and
 * length only. The app needs {@link escudo}.
 *
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { escudo, idempotency } from 'escudo/hono'
 * import { Hono } from 'hono'
 *
 * const app = new Hono()
 * escudo(app, { contract: createErrorContract({ service: 'potion-shop', errors: defineErrors({}) }) })
 * const once = idempotency({ scope: (c) => c.req.header('authorization') ?? 'anonymous' })
 * let orders = 0
 * app.post('/orders', once, (c) => c.json({ order: (orders += 1) }, 201))
 *
 * const order = { method: 'POST', headers: { 'idempotency-key': 'a1' } }
 * const [first, second] = [await app.request('/orders', order), await app.request('/orders', order)]
 * console.log(await first.json(), await second.json()) // { order: 1 } { order: 1 }
 * ```
 */
export function idempotency(options: IdempotencyOptions<Context>): MiddlewareHandler {
  const guard = new IdempotencyGuard(options)
  return async function idempotency(context, next) {
    const { req } = context
    const begun = exchangeIn(context)
    if (begun === undefined) throw new MisuseError('idempotency: call escudo(app, …) before this middleware is added')
    const bytesRead = async (): Promise<Uint8Array> => new Uint8Array(await req.arrayBuffer())
    const { run, answer } = await beginKeyed(guard, {
      subject: context,
      request: req.raw,
      begun,
      bytesRead: () => (Object.keys(req.bodyCache).length > 0 ? bytesRead() : undefined),
    }).catch((error: unknown) => {
      if (IdempotencyErrors.IDEMPOTENCY_IN_PROGRESS.is(error)) context.header('retry-after', String(RETRY_AFTER_S))
      throw error
    })
    if (answer !== undefined) {
      const replayed = replayedResponse(answer)
      // With the headers that were set so far.
      return context.newResponse(replayed.body, replayed)
    }
    try {
      await next()
    } catch (error) {
      // What is thrown and is no Error.
      await run?.end(undefined)
      throw error
    }
    if (run === undefined) return undefined
    if (!context.finalized) {
      await run.end(undefined)
      return undefined
    }
    const response = keepResponse(run, context.res, guard.settings.maxBodyBytes)
    // Hono copies the headers of an earlier response to the one that is set next.
    context.res = undefined
    context.res = response
    return undefined
  }
}
