import type { Context, Env, Hono, MiddlewareHandler, Schema } from 'hono'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { type AdapterOptions, type AdapterSettings, readAdapterOptions } from '../adapter-options.ts'
import { answerHeaders } from '../answer-headers.ts'
import { type CreateServer, frontServer } from '../node/front.ts'
import { routeError } from '../not-found.ts'
import { targetError } from '../target-error.ts'
import { failOnWeb } from '../web/answer.ts'
import { beginWeb, type WebExchange } from '../web/begin.ts'
import { checkedResponse, endWithBody } from '../web/body-end.ts'
import { exchangeIn, keepExchange } from './context.ts'
import { fromHonoError } from './http-exception.ts'
import { matchedBy } from './matched-routes.ts'
import { methodsFor } from './methods.ts'

/** Options of {@link escudo}. */
export interface EscudoOptions extends AdapterOptions {
  /**
   * Returns the remote address of a client on other runtimes than Node, for the contract's `trustInbound`:
   * `(c) => getConnInfo(c).remote.address`, with Hono's helper for the runtime. Default: `unknown`, which is not
   * trusted.
   */
  readonly address?: (context: Context) => string | undefined
}

/** What {@link escudo} returns. */
export interface EscudoHono {
  /**
   * Creates Node's server, for `serve` of `@hono/node-server`. It also answers what Hono never sees, such as malformed
   * requests, and knows when a response has been sent.
   */
  readonly createServer: CreateServer
}

/**
 * Adds the error contract, the trace context, the request's log line and metrics to a Hono app.
 *
 * Call it before you add middleware and routes: it must run first. It sets `onError` and `notFound` of the app. An
 * `onError` of a sub-app takes precedence for its routes.
 *
 * @throws ConfigurationError without a contract, and for an unknown option
 * @example
 * ```ts
 * import { serve } from '@hono/node-server'
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { escudo } from 'escudo/hono'
 * import { Hono } from 'hono'
 *
 * const Errors = defineErrors({ SOLD_OUT: { status: 409, message: 'Sold out.' } })
 * const contract = createErrorContract({ service: 'potion-shop', errors: Errors })
 * const app = new Hono()
 * const { createServer } = escudo(app, { contract })
 * app.get('/potion', () => {
 *   throw new Errors.SOLD_OUT()
 * })
 * const server = serve({ fetch: app.fetch, createServer, port: 0 })
 * server.close()
 * console.log((await app.request('/potion')).status) // 409
 * ```
 */
export function escudo<E extends Env, S extends Schema, P extends string>(
  app: Hono<E, S, P>,
  options: EscudoOptions,
): EscudoHono {
  const settings = readAdapterOptions(options, 'escudo', ['address'])
  const { address = () => undefined } = options
  if (typeof address !== 'function') {
    throw new ConfigurationError('escudo.address', `expected a function, got ${show(address)}`)
  }
  const plain = app as unknown as Hono<never, never, string>
  app.use('*', serveRequest(settings, address) as MiddlewareHandler<E>)
  app.onError((error, context) => answer(settings, context as unknown as Context, error))
  app.notFound((context) => {
    const { path, method } = context.req
    const response = answer(settings, context as unknown as Context, routeError(method, methodsFor(plain, path)))
    // Hono sets the response itself if nothing but our middleware has matched.
    if (matchedBy(context).length !== 1) context.res = response
    return response
  })
  return { createServer: frontServer(settings) }
}

function serveRequest(settings: AdapterSettings, address: (context: Context) => string | undefined): MiddlewareHandler {
  return (context, next) => {
    const begun = beginWeb(settings, context.req.raw, () => address(context))
    const { exchange, node } = begun
    exchange.route = routeOf(context)
    keepExchange(context, begun)
    return exchange.run(async () => {
      // On Node the front sets the header, has checked the URL, and sees the end of the response.
      if (node !== undefined) {
        await served(settings, context, next)
        return
      }
      context.header('x-trace-id', exchange.traceId)
      const error = targetError(context.req.url)
      await served(settings, context, async () => {
        if (error !== undefined) throw error
        await next()
        // Reading `res` would make an empty response.
        checkedResponse(context.finalized ? context.res : undefined)
      })
      const response = endWithBody(exchange, context.res)
      context.res = undefined
      context.res = response
    })
  }
}

/** Runs the rest of the app. Hono gives only Errors to `onError`; anything else that is thrown arrives here. */
async function served(settings: AdapterSettings, context: Context, next: () => Promise<void>): Promise<void> {
  try {
    await next()
  } catch (error) {
    context.res = answer(settings, context, error)
  }
}

/** The pattern of the route that will answer; null without one. Middleware has two parameters, a handler has one. */
function routeOf(context: Context): string | null {
  const { method } = context.req
  const wanted = method === 'HEAD' ? 'GET' : method
  const route = matchedBy(context).findLast(
    (matched) => matched.method === wanted || (matched.method === 'ALL' && matched.handler.length < 2),
  )
  return route?.path ?? null
}

/** Makes the response of an error. */
function answer(settings: AdapterSettings, context: Context, thrown: unknown): Response {
  const kept = exchangeIn(context)
  // Middleware before ours has thrown: this is the first that we hear of the request.
  const begun: WebExchange = kept ?? beginWeb(settings, context.req.raw, () => undefined)
  const { exchange, node } = begun
  const made = failOnWeb(exchange, node, fromHonoError(thrown), context.req.raw)
  // With the headers that were set so far: those of CORS, cookies.
  const { headers } = context.newResponse(null, made.status as 400)
  const response = new Response(made.text, { status: made.status, headers: answerHeaders(made, headers) })
  // Hono copies the headers of an earlier response to the one that is set next.
  context.res = undefined
  return kept === undefined && node === undefined ? endWithBody(exchange, response) : response
}
