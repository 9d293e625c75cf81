import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { knownKeys } from '../../core/options/options.ts'
import { type AdapterOptions, readAdapterOptions } from '../adapter-options.ts'
import { answerHeaders } from '../answer-headers.ts'
import { pathOf } from '../exchange.ts'
import { type CreateServer, frontServer } from '../node/front.ts'
import { type MethodLookup, routeError } from '../not-found.ts'
import { targetError } from '../target-error.ts'
import { failOnWeb } from './answer.ts'
import { beginWeb, type WebExchange } from './begin.ts'
import { checkedResponse, endWithBody, withHeader } from './body-end.ts'
import { keepRequest } from './request.ts'

/** A function that answers requests. Its further parameters are those of the runtime or the framework. */
export type WebHandler<A extends readonly unknown[]> = (
  request: Request,
  ...rest: A
) => Response | undefined | Promise<Response | undefined>

/** Options of {@link escudo}. */
export interface EscudoOptions extends AdapterOptions {
  /**
   * Returns the remote address of a client, for the contract's `trustInbound`. It receives the arguments of the handler,
   * for example `(request, server) => server.requestIP(request)?.address` on Bun. Not needed on Node with
   * `createServer`. Default: `unknown`, which is not
   * trusted.
   */
  readonly address?: (request: Request, ...rest: never[]) => string | undefined
  /** Returns the methods that a path has routes for. Then a wrong method is 405 instead of 404. Default: none. */
  readonly methods?: MethodLookup
}

/** What {@link escudo} returns. */
export interface EscudoWeb {
  /**
   * Returns a handler with the contract around it. It never rejects.
   *
   * @param handle answers a request, or returns undefined for a path without a route: 404, or 405 with `methods`
   * @param options `route`: the pattern of the route that it serves, for the log line and metrics
   */
  handler<A extends readonly unknown[] = readonly unknown[]>(
    handle: WebHandler<A>,
    options?: { readonly route?: string },
  ): (request: Request, ...rest: A) => Promise<Response>
  /**
   * Creates Node's server for a library that makes a listener of a handler. It also answers what no handler sees, such
   * as malformed requests.
   */
  readonly createServer: CreateServer
}

/**
 * Puts the error contract, the trace context, the request's log line and metrics around functions
 * `(request: Request) => Response`.
 *
 * For Bun.serve, Deno.serve, Workers, route handlers of Next, h3, Elysia, and Node with a library that makes a listener.
 *
 * @throws ConfigurationError without a contract, and for an unknown option
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { escudo } from 'escudo/web'
 *
 * const Errors = defineErrors({ SOLD_OUT: { status: 409, message: 'Sold out.' } })
 * const contract = createErrorContract({ service: 'potion-shop', errors: Errors })
 * const { handler } = escudo({ contract })
 * const server = {
 *   fetch: handler(async (request) => {
 *     if (new URL(request.url).pathname === '/potion') throw new Errors.SOLD_OUT()
 *     return undefined
 *   }),
 * } // export default server
 * console.log((await server.fetch(new Request('http://shop/potion'))).status) // 409
 * console.log((await server.fetch(new Request('http://shop/'))).status) // 404
 * ```
 */
export function escudo(options: EscudoOptions): EscudoWeb {
  const settings = readAdapterOptions(options, 'escudo', ['address', 'methods'])
  const { address = () => undefined, methods = () => [] } = options
  for (const [name, value] of Object.entries({ address, methods })) {
    if (typeof value !== 'function') {
      throw new ConfigurationError(`escudo.${name}`, `expected a function, got ${show(value)}`)
    }
  }
  const addressOf = address as (request: Request, ...rest: readonly unknown[]) => string | undefined
  return {
    handler: (handle, { route, ...unknown } = {}) => {
      knownKeys(unknown, 'handler', ['route'])
      if (typeof handle !== 'function') {
        throw new ConfigurationError('handler.handle', `expected a function, got ${show(handle)}`)
      }
      return (request, ...rest) => {
        const begun = beginWeb(settings, request, () => addressOf(request, ...rest))
        begun.exchange.route = route ?? null
        keepRequest(request, begun)
        return begun.exchange.run(() => serve(begun, request, methods, () => handle(request, ...rest)))
      }
    },
    createServer: frontServer(settings),
  }
}

async function serve(
  begun: WebExchange,
  request: Request,
  methods: MethodLookup,
  handle: () => Response | undefined | Promise<Response | undefined>,
): Promise<Response> {
  const { exchange, node } = begun
  let response: Response
  try {
    // On Node the front has checked the URL.
    const urlError = node === undefined ? targetError(request.url) : undefined
    if (urlError !== undefined) throw urlError
    const made = await handle()
    if (made === undefined) throw routeError(request.method, methods(pathOf(request.url)))
    // On Node, the library that sends it checks it.
    response = node === undefined ? checkedResponse(made) : made
  } catch (error) {
    const answer = failOnWeb(exchange, node, error, request)
    const isHead = request.method === 'HEAD'
    response = new Response(isHead ? null : answer.text, { status: answer.status, headers: answerHeaders(answer) })
  }
  if (begun.amend !== undefined) response = begun.amend(response)
  // On Node the front sets the header, and sees the end of the response.
  return node === undefined ? endWithBody(exchange, withHeader(response, 'x-trace-id', exchange.traceId)) : response
}
