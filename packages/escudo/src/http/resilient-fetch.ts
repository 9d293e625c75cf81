import { abortReason } from '../core/engine/abort-reason.ts'
import { followSignals } from '../core/engine/signal-deadline.ts'
import { readSettings } from './client-settings.ts'
import { FetchCall } from './fetch-call.ts'
import type { ResilientFetch, ResilientFetchOptions } from './options.ts'
import { OutgoingRequest } from './request/outgoing-request.ts'

/**
 * Returns a `fetch` that runs every call through a shield.
 *
 * It has the signature of `fetch`, so it works wherever a `fetch` is accepted.
 *
 * - **Status.** 500 and above, 408, 425 and 429 are failures of the dependency; any other status is a normal response.
 * - **Retries.** 408, 425, 429, 500, 502, 503, 504 and network errors are retried, but only for idempotent requests:
 *   GET, HEAD, OPTIONS, PUT, DELETE (RFC 9110, 9.2.2), or any request with an `Idempotency-Key`. `Retry-After` is
 *   honoured. Nothing is retried once the caller has its response.
 * - **Body.** An attempt ends when its body has been read, cancelled by its reader or aborted, so timeout, bulkhead and
 *   circuit breaker cover the body. A body that is not read for a moment is read ahead, up to 64 KiB: a small body needs
 *   no reader, a larger unread body ends with the timeout. Use a shield without a timeout, or none, for an endless body
 *   (events) or a large download.
 *   A policy of the shield that reads responses receives them after their bodies have been read.
 * - **Failed responses.** A call with a deadline waits for the body, up to 64 KiB. Without one, the response is
 *   delivered immediately, or thrown after a second at most.
 * - **Headers.** Each attempt sends `traceparent` with a new span; to the client's own origins `tracestate` and `baggage`
 *   of the inbound request; the milliseconds left until the earliest deadline, also that of a shield whose `call.signal`
 *   is passed on; and `x-retry-attempt` with the attempt's number from 2 on.
 *
 * @returns a function like `fetch`, with `shields()` and `status()`. It rejects with {@link UpstreamError}
 * (`UPSTREAM_ERROR`, `UPSTREAM_UNAVAILABLE`, `UPSTREAM_TIMEOUT`), with a refusal of the shield, with the reason of the
 * caller's signal, or with `TypeError` for an invalid request
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { constant, retry, shield, timeout } from 'escudo'
 * import { resilientFetch } from 'escudo/http'
 *
 * let calls = 0
 * const flaky = async () => {
 *   calls += 1
 *   return calls === 1 ? new Response('', { status: 503 }) : Response.json({ stock: 42 })
 * }
 * const get = resilientFetch({
 *   name: 'inventory',
 *   baseUrl: 'http://inventory:9002',
 *   shield: shield('inventory', timeout('2s'), retry({ maxRetries: 1, backoff: constant(1) })),
 *   fetch: flaky, // default: the runtime's fetch
 * })
 * const response = await get('/inventory/mana-potion')
 * console.log(await response.json()) // { stock: 42 }
 * ```
 */
export function resilientFetch(options: ResilientFetchOptions): ResilientFetch {
  followSignals()
  const settings = readSettings(options)
  const resilient: typeof fetch = (input, init) => {
    try {
      const request = new OutgoingRequest(settings, input, init)
      const { signal } = request
      if (!signal?.aborted) return new FetchCall(request, settings).run(settings.shieldFor(request.target.origin))
      const reason = abortReason(signal)
      request.releaseBody(reason)
      return Promise.reject(reason)
    } catch (error) {
      // The request is invalid, or code of the user threw.
      return Promise.reject(error)
    }
  }
  const { shields } = settings
  return Object.assign(resilient, { shields, status: () => shields().map((shield) => shield.status()) })
}
