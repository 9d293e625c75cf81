import type { Server } from 'node:http'
import type { ErrorRequestHandler, NextFunction, Request, RequestHandler, Response } from 'express'
import { withAmbient } from '../../core/context/ambient.ts'
import { wholeNumber } from '../../core/options/options.ts'
import { WellKnown } from '../../errors/catalogue/well-known.ts'
import { type AdapterOptions, type AdapterSettings, readAdapterOptions } from '../adapter-options.ts'
import { type Exchange, pathOf } from '../exchange.ts'
import { BODY_LIMIT } from '../json-body.ts'
import { attachTo } from '../node/attach.ts'
import { beginOnNode } from '../node/begin.ts'
import { answerOnNode } from '../node/error-response.ts'
import { exchangeOf } from '../node/exchanges.ts'
import { isDecodable, routeError } from '../not-found.ts'
import { fromExpressError } from './express-errors.ts'
import { guardRouter } from './guard.ts'
import { patternOf } from './layers.ts'
import { type RequestState, stateOf } from './request-state.ts'
import { methodsFor } from './route-table.ts'

/** Options of {@link escudo}. */
export interface EscudoOptions extends AdapterOptions {
  /** The largest JSON body that {@link route} reads, in bytes. Default 1 MiB. */
  readonly bodyLimit?: number
}

/** The parts that {@link escudo} adds to an application. */
export interface EscudoParts {
  /** The first middleware: `app.use(first)` before all others. */
  readonly first: RequestHandler
  /** The last ones: `app.use(last)` after all routes. They answer unknown routes and errors. */
  readonly last: (RequestHandler | ErrorRequestHandler)[]
  /**
   * Makes a server answer in the contract's form what it would answer itself, such as bytes that are not HTTP. Without
   * this call it does so from its first request on.
   *
   * @returns the server
   */
  attach<S extends Server>(server: S): S
}

/**
 * Makes an Express application follow an error contract.
 *
 * - Every error is answered with the contract's error body: also an unknown route (404), a known one with another method
 *   (405 with `Allow`), a path that cannot be decoded, and a `throw null`.
 * - Every response has the header `X-Trace-ID`.
 * - Every request writes one `http.request` log line.
 * - Everything that a request starts runs in its ambient context.
 *
 * An application that is mounted in another one needs separate parts, because Express hides its routes. Routers do not.
 *
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { escudo } from 'escudo/express'
 * import express from 'express'
 *
 * const Errors = defineErrors({ SOLD_OUT: { status: 409, message: 'Sold out.' } })
 * const contract = createErrorContract({ service: 'potion-shop', errors: Errors })
 * const { first, last, attach } = escudo({ contract }) // add { logger: createLogger(…) } of escudo/pino
 *
 * const app = express()
 * app.use(first)
 * app.get('/potion', async () => {
 *   throw new Errors.SOLD_OUT()
 * })
 * app.use(last)
 * const server = attach(app.listen(0))
 * server.close()
 * ```
 */
export function escudo(options: EscudoOptions): EscudoParts {
  const settings = readAdapterOptions(options, 'escudo', ['bodyLimit'])
  const { bodyLimit = BODY_LIMIT } = options
  wholeNumber(bodyLimit, 'escudo.bodyLimit', 1)
  const first: RequestHandler = (request, response, next) => begin(settings, bodyLimit, request, response, next)
  const notFound: RequestHandler = (request, response, next) => {
    // A handler has answered and then called `next`.
    if (!response.headersSent) next(notFoundError(request))
  }
  // Express recognises an error handler by its four parameters.
  const errors: ErrorRequestHandler = (error: unknown, request, response, _next) => {
    answerOnNode(exchangeFor(settings, request, response), fromExpressError(error), request, response)
  }
  return {
    first,
    last: [notFound, errors],
    attach: (server) => {
      attachTo(server, settings)
      return server
    },
  }
}

function exchangeFor({ contract, logger, deadline }: AdapterSettings, request: Request, response: Response): Exchange {
  return exchangeOf(contract, logger, request, response, deadline)
}

function begin(
  settings: AdapterSettings,
  bodyLimit: number,
  request: Request,
  response: Response,
  next: NextFunction,
): void {
  const { exchange, error } = beginOnNode(settings, request, response)
  guardRouter(routerOf(request))
  // Other middleware comes first, because it sets the headers of CORS.
  const deferred = WellKnown.URI_TOO_LONG.is(error) ? error : undefined
  const state: RequestState = { exchange, prefix: mountPattern(request), deferred, bodyLimit }
  exchange.adapterState = state
  // `next` starts the rest of the request, so all of it runs in this context.
  withAmbient(exchange.ambient, error === undefined || deferred !== undefined ? next : () => next(error))
}

function notFoundError(request: Request): Error {
  const state = stateOf(request)
  if (state?.deferred !== undefined) return state.deferred
  // A route has called `next`, so it does not serve the request.
  if (state !== undefined) state.exchange.route = null
  // In an application that is mounted in another one, the rest of the path.
  const path = pathOf(request.url)
  if (!isDecodable(path)) return new WellKnown.BAD_REQUEST()
  return routeError(request.method, methodsFor(routerOf(request), path))
}

/** The router of the application. Express makes it on its first use. */
function routerOf({ app }: Request): unknown {
  return (app as { readonly router?: unknown } | undefined)?.router
}

interface MountedApp {
  readonly mountpath?: unknown
  readonly parent?: MountedApp
}

/** The pattern of the path under which the application is mounted in others; empty for most. */
function mountPattern(request: Request): string {
  let pattern = ''
  let app = request.app as MountedApp | undefined
  for (; app?.parent !== undefined; app = app.parent) pattern = patternOf(app.mountpath) + pattern
  return pattern
}
