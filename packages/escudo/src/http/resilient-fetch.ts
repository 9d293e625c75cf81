import { readSettings } from './client-settings.ts'
import { FetchCall } from './fetch-call.ts'
import type { ResilientFetchOptions } from './options.ts'
import { OutgoingRequest } from './request/outgoing-request.ts'

/**
 * A `fetch` made resilient, with `fetch`'s own signature: it goes wherever a `fetch` is taken.
 *
 * - The status decides: 500 and above, 408, 425 and 429 are failures of the dependency, all else is an answer. Retried
 *   are 408, 425, 429, 500, 502, 503, 504 and network errors, and only where sending twice is safe: GET, HEAD, OPTIONS,
 *   PUT, DELETE (RFC 9110, 9.2.2), or with an `Idempotency-Key`. `Retry-After` is honoured.
 * - An attempt ends when its body has been read, cancelled or cut: timeout, bulkhead and circuit breaker cover the body.
 *   Up to 64 KiB are read ahead, so a small body needs no reader; a larger one that nobody reads runs into the timeout.
 *   So a body that goes on and on (events, a large download) wants a shield without a timeout, or none.
 *   Once a response has been given to the caller nothing is retried. A policy of the shield that reads responses gets
 *   them when their bodies have been read.
 * - Sent along: `traceparent` with a fresh span for each attempt, `tracestate` and `baggage` of the request that is being
 *   served; how many milliseconds are left; `x-retry-attempt` with the attempt's number from 2 on.
 *
 * @returns a function like `fetch`. It rejects with {@link UpstreamError} (`UPSTREAM_ERROR`, `UPSTREAM_UNAVAILABLE`,
 * `UPSTREAM_TIMEOUT`), with a refusal of the shield, with the reason of the caller's own signal, with `TypeError` for a
 * request that cannot be made
 * @throws ConfigurationError for an option that cannot work
 * @example
 * ```ts
 * import { constant, retry, shield, timeout } from 'escudo'
 * import { resilientFetch } from 'escudo/http'
 *
 * let calls = 0
 * const unsteady = async () => {
 *   calls += 1
 *   return calls === 1 ? new Response('', { status: 503 }) : Response.json({ stock: 42 })
 * }
 * const get = resilientFetch({
 *   name: 'inventory',
 *   baseUrl: 'http://inventory:9002',
 *   shield: shield('inventory', timeout('2s'), retry({ maxRetries: 1, backoff: constant(1) })),
 *   fetch: unsteady, // left out, it is the runtime's own
 * })
 * const response = await get('/inventory/mana-potion')
 * console.log(await response.json()) // { stock: 42 }
 * ```
 */
export function resilientFetch(options: ResilientFetchOptions): typeof fetch {
  const settings = readSettings(options)
  return async (input, init) => {
    const request = new OutgoingRequest(settings, input, init)
    if (request.signal?.aborted) throw request.signal.reason
    return await new FetchCall(request, settings).run(settings.shieldFor(request.url))
  }
}
