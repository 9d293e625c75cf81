import type { Dispatcher, request } from 'undici'
import { followSignals } from '../core/engine/signal-deadline.ts'
import { ConfigurationError } from '../core/options/configuration-error.ts'
import { show } from '../core/options/durations.ts'
import { knownKeys } from '../core/options/options.ts'
import { COMMON_KEYS, readCommonSettings } from '../http/common-settings.ts'
import { dispatchThrough } from './dispatch.ts'
import { DispatchClient } from './dispatch-client.ts'
import type { RequestOptions } from './dispatch-request.ts'
import { loadUndici, type Undici, whenLoaded } from './load-undici.ts'
import type { ResilientRequestOptions, UndiciAnswer } from './options.ts'

const PATH = 'resilientRequest'

type Request = typeof request

/**
 * Returns a `request` that runs every call through a shield.
 *
 * It has the signature of undici's `request`, and costs less than half of a bare `fetch`. It makes the same promises as
 * `resilientFetch`:
 *
 * - **Status.** 500 and above, 408, 425 and 429 are failures of the dependency; any other status is a normal response.
 * - **Retries.** 408, 425, 429, 500, 502, 503, 504 and network errors are retried, but only for idempotent requests:
 *   GET, HEAD, OPTIONS, PUT, DELETE (RFC 9110, 9.2.2), or any request with an `Idempotency-Key`. `Retry-After` is
 *   honoured. Nothing is retried once the caller has its response. A body that is a stream is sent once.
 * - **Body.** An attempt ends when its body has been read, destroyed or aborted, so timeout, bulkhead and circuit breaker
 *   cover the body. Up to `highWaterMark` (64 KiB) are read ahead: a small body needs no reader, a larger unread body
 *   ends with the timeout. As with undici, read or dump every body.
 * - **Failed responses.** The body of a failed attempt is dumped, so that its connection can be used again.
 * - **Headers.** Each attempt sends `traceparent`, the milliseconds left, and from the second attempt on its number.
 * - **Redirects** are not followed, as in undici. Compose `redirect` after {@link resilience} to follow them.
 * - **undici** is loaded when this function is called, not when `escudo/undici` is imported: an import of undici may
 *   change which dispatcher Node's `fetch` uses. Requests wait until it has loaded; without the package, they reject.
 *
 * @returns a function like undici's `request`. It rejects with `UpstreamError` (`UPSTREAM_ERROR`, `UPSTREAM_TIMEOUT`,
 * `UPSTREAM_UNAVAILABLE`), with a refusal of the shield, with the reason of the caller's signal, or with undici's own
 * error for an invalid request
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { constant, retry, shield, timeout } from 'escudo'
 * import { resilientRequest } from 'escudo/undici'
 * import { Agent } from 'undici'
 *
 * let calls = 0
 * const server = createServer((_, response) => {
 *   calls += 1
 *   response.writeHead(calls === 1 ? 503 : 200).end('{"stock":42}')
 * })
 * await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
 * const { port } = server.address() as { port: number }
 *
 * const agent = new Agent()
 * const request = resilientRequest({
 *   name: 'inventory',
 *   baseUrl: `http://127.0.0.1:${port}`,
 *   shield: shield('inventory', timeout('2s'), retry({ maxRetries: 1, backoff: constant(1) })),
 *   dispatcher: agent, // default: undici's global dispatcher
 * })
 * const { statusCode, body } = await request('/items/mana-potion')
 * console.log(statusCode, await body.json(), calls) // 200 { stock: 42 } 2
 * await agent.close()
 * server.close()
 * ```
 */
export function resilientRequest(options: ResilientRequestOptions): Request {
  followSignals()
  knownKeys(options, PATH, [...COMMON_KEYS, 'dispatcher'])
  const settings = readCommonSettings<UndiciAnswer>(options, PATH, 'response')
  const given = checkedDispatcher(options.dispatcher)
  // A dispatcher is composed once.
  const composed = new WeakMap<Dispatcher, Dispatcher>()
  const composedOf = (dispatcher: Dispatcher, { Agent }: Undici): Dispatcher => {
    let resilient = composed.get(dispatcher)
    if (resilient === undefined) {
      // One that is composed may follow redirects; undici's own dispatchers do not.
      const followsRedirects = dispatcher.dispatch === Agent.prototype.dispatch ? false : undefined
      resilient = dispatcher.compose((dispatch) => {
        const client = new DispatchClient(settings, dispatch, followsRedirects, false)
        return (attempt, handler) => dispatchThrough(client, attempt, handler, aborterOf(attempt))
      })
      composed.set(dispatcher, resilient)
    }
    return resilient
  }
  const senderOf =
    (undici: Undici): Request =>
    (url, init) => {
      try {
        const target = typeof url === 'string' ? settings.resolve(url) : url
        const read = optionsOf(url, init)
        const dispatcher = composedOf(read?.dispatcher ?? given ?? undici.getGlobalDispatcher(), undici)
        return undici.request(target, { ...read, dispatcher })
      } catch (error) {
        // undici throws for an invalid URL; a function that returns a promise must not.
        return Promise.reject(error)
      }
    }
  let send: Request | undefined
  const loading = loadUndici()
  loading.then(
    (undici) => {
      send = senderOf(undici)
    },
    // Each request reports that undici is missing.
    () => {},
  )
  return (url, init) =>
    send === undefined
      ? whenLoaded(loading, optionsOf(url, init) ?? {}).then((undici) => senderOf(undici)(url, init))
      : send(url, init)
}

/** As in undici, an object in place of the URL may contain the options. */
function optionsOf<T>(url: unknown, init: T | undefined): T | undefined {
  return init ?? (typeof url === 'object' && !(url instanceof URL) ? (url as T) : undefined)
}

/** `request` aborts by its signal alone. An event emitter as a signal needs an `AbortController` for the shield. */
function aborterOf({ signal }: RequestOptions): AbortController | undefined {
  return signal === undefined || signal === null || signal instanceof AbortSignal ? undefined : new AbortController()
}

function checkedDispatcher(dispatcher: Dispatcher | undefined): Dispatcher | undefined {
  if (dispatcher === undefined || typeof dispatcher?.compose === 'function') return dispatcher
  throw new ConfigurationError(`${PATH}.dispatcher`, `expected an undici dispatcher, got ${show(dispatcher)}`)
}
