import type { Dispatcher } from 'undici'
import { followSignals } from '../core/engine/signal-deadline.ts'
import { knownKeys } from '../core/options/options.ts'
import { COMMON_KEYS, readCommonSettings } from '../http/common-settings.ts'
import { dispatchThrough } from './dispatch.ts'
import { DispatchClient } from './dispatch-client.ts'
import type { ResilienceOptions, UndiciAnswer } from './options.ts'

const PATH = 'resilience'
const KEYS = COMMON_KEYS.filter((key) => key !== 'baseUrl')

/**
 * Returns an undici interceptor that runs every request through a shield.
 *
 * It makes the same promises as `resilientFetch`: what is retried, which errors are thrown, which headers are sent, and
 * when an attempt ends. It works for everything that uses the dispatcher: `request`, `stream`, `pipeline` and undici's
 * `fetch`. A request to upgrade the connection, and CONNECT, pass unchanged.
 *
 * - **Retries** happen before the response is passed on. Once the handler has its headers, nothing is retried. A request
 *   whose body is a stream is sent once, and so is every request of `fetch` with a body: `fetch` makes a stream of it.
 * - **Order.** Interceptors composed before this one run once per attempt, those after it once per call. Compose
 *   `redirect` after it: each hop is then a call of the shield of its origin, and no `tracestate` or `baggage`
 *   follows a redirect. A dispatcher that follows redirects inside gets neither of the two.
 *
 * @returns an interceptor for `dispatcher.compose`. Its calls fail with `UpstreamError` (`UPSTREAM_ERROR`,
 * `UPSTREAM_TIMEOUT`, `UPSTREAM_UNAVAILABLE`), with a refusal of the shield, or with the reason of the caller's signal
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { constant, retry, shield, timeout } from 'escudo'
 * import { resilience } from 'escudo/undici'
 * import { Agent, request } from 'undici'
 *
 * let calls = 0
 * const server = createServer((_, response) => {
 *   calls += 1
 *   response.writeHead(calls === 1 ? 503 : 200).end('42')
 * })
 * await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
 * const { port } = server.address() as { port: number }
 *
 * const inventory = shield('inventory', timeout('2s'), retry({ maxRetries: 1, backoff: constant(1) }))
 * const agent = new Agent()
 * const dispatcher = agent.compose(resilience({ name: 'inventory', shield: inventory }))
 * const { body } = await request(`http://127.0.0.1:${port}/stock`, { dispatcher })
 * console.log(await body.text(), calls) // 42 2
 * await agent.close()
 * server.close()
 * ```
 */
export function resilience(options: ResilienceOptions): Dispatcher.DispatcherComposeInterceptor {
  followSignals()
  knownKeys(options, PATH, KEYS)
  const settings = readCommonSettings<UndiciAnswer>(options, PATH, 'response')
  return (dispatch) => {
    const client = new DispatchClient(settings, dispatch, undefined, true)
    // A handler may abort at any time, with a signal or without.
    return (request, handler) => dispatchThrough(client, request, handler, new AbortController())
  }
}
