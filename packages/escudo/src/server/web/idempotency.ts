import { MisuseError } from '../../core/misuse-error.ts'
import { IdempotencyErrors } from '../idempotency/errors.ts'
import { IdempotencyGuard, RETRY_AFTER_S } from '../idempotency/guard.ts'
import type { IdempotencyOptions } from '../idempotency/options.ts'
import type { WebHandler } from './adapter.ts'
import { withHeader } from './body-end.ts'
import { keepResponse, replayedResponse } from './keep-response.ts'
import { beginKeyed } from './keyed-request.ts'
import { exchangeOfRequest } from './request.ts'

/**
 * Lets each request with an `Idempotency-Key` run once, and replays its answer (IETF draft idempotency-key-header).
 *
 * The first request with a key runs. A duplicate during that time gets 409 `IDEMPOTENCY_IN_PROGRESS` with `Retry-After`; a
 * later one gets the stored answer with `Idempotency-Replayed: true`. The same key with another target or body gets 422
 * `IDEMPOTENCY_KEY_REUSED`. Answers with 5xx, 408, 425 and 429 are not stored.
 *
 * A JSON body of at most 1 MiB is compared. The handler can read it as usual. Other bodies are compared by their type and
 * length only. Use it inside a handler of {@link escudo}.
 *
 * @returns a function that puts the keys around a handler
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { escudo, idempotency } from 'escudo/web'
 *
 * const { handler } = escudo({ contract: createErrorContract({ service: 'potion-shop', errors: defineErrors({}) }) })
 * const once = idempotency({ scope: ({ headers }) => headers.get('authorization') ?? 'anonymous' })
 * let orders = 0
 * const POST = handler(once(() => Response.json({ order: (orders += 1) })), { route: '/orders' })
 *
 * const order = () => new Request('http://shop/orders', { method: 'POST', headers: { 'idempotency-key': 'a1' } })
 * const [first, second] = [await POST(order()), await POST(order())]
 * console.log(await first.json(), await second.json()) // { order: 1 } { order: 1 }
 * ```
 */
export function idempotency(
  options: IdempotencyOptions<Request>,
): <A extends readonly unknown[] = readonly unknown[]>(handle: WebHandler<A>) => WebHandler<A> {
  const guard = new IdempotencyGuard(options)
  return (handle) =>
    async (request, ...rest) => {
      const begun = exchangeOfRequest(request)
      if (begun === undefined) throw new MisuseError('idempotency: use it inside a handler of escudo')
      const { run, answer } = await beginKeyed(guard, { subject: request, request, begun }).catch((error: unknown) => {
        if (IdempotencyErrors.IDEMPOTENCY_IN_PROGRESS.is(error)) {
          begun.amend = (response) => withHeader(response, 'retry-after', String(RETRY_AFTER_S))
        }
        throw error
      })
      if (answer !== undefined) return replayedResponse(answer)
      // Not here: the adapter makes the answers of errors.
      if (run !== undefined) begun.amend = (response) => keepResponse(run, response, guard.settings.maxBodyBytes)
      return await handle(request, ...rest)
    }
}
