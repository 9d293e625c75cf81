import type { Server } from 'node:http'
import type Koa from 'koa'
import { hidden } from '../../core/hidden-state.ts'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { read } from '../../errors/safe-read.ts'
import { type AdapterOptions, type AdapterSettings, readAdapterOptions } from '../adapter-options.ts'
import { type Exchange, isDisconnect } from '../exchange.ts'
import { attachTo } from '../node/attach.ts'
import { beginOnNode } from '../node/begin.ts'
import { answerOnNode, isDisconnected } from '../node/error-response.ts'
import { exchangeOf, existingExchange } from '../node/exchanges.ts'
import { routeError } from '../not-found.ts'
import { targetError } from '../target-error.ts'
import type { KoaApplication, KoaContext, RunMiddleware } from './application.ts'
import { sendStream, watchBodies } from './bodies.ts'
import { emitError } from './error-event.ts'
import { fromKoaError, statusError } from './koa-errors.ts'
import { methodsFor } from './methods.ts'
import { KoaState } from './state.ts'

/** Options of {@link escudo}. */
export interface EscudoOptions extends AdapterOptions {}

/** What {@link escudo} returns. */
export interface EscudoKoa {
  /**
   * Makes a server answer in the contract's form what it would answer itself, such as bytes that are not HTTP. Without
   * this call it does so from its first request on.
   *
   * @returns the server
   */
  attach<S extends Server>(server: S): S
}

/**
 * Makes a Koa application follow an error contract.
 *
 * - Every error is answered with the contract's error body: also an unknown route (404), a known one with another method
 *   (405 with `Allow`), a path that cannot be decoded, and a `throw null`.
 * - Every response has the header `X-Trace-ID`.
 * - Every request writes one `http.request` log line.
 * - Everything that a request starts runs in its ambient context.
 *
 * Call it once, for the application whose server listens, before or after its middleware is added. Koa prints no error
 * any more. Your listeners of the application's event `error` are still called.
 *
 * @throws ConfigurationError for an invalid option, and for what is no Koa application
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { escudo } from 'escudo/koa'
 * import Koa from 'koa'
 *
 * const Errors = defineErrors({ SOLD_OUT: { status: 409, message: 'Sold out.' } })
 * const contract = createErrorContract({ service: 'potion-shop', errors: Errors })
 * const app = new Koa()
 * const { attach } = escudo(app, { contract }) // add { logger: createLogger(…) } of escudo/pino
 * app.use(() => {
 *   throw new Errors.SOLD_OUT()
 * })
 * const server = attach(app.listen(0))
 * server.close()
 * ```
 */
export function escudo<S, C>(app: Koa<S, C>, options: EscudoOptions): EscudoKoa {
  const settings = readAdapterOptions(options, 'escudo')
  const koa = app as unknown as KoaApplication
  for (const name of ['handleRequest', 'rawListeners', 'callback']) {
    if (typeof read(koa, name) !== 'function') {
      throw new ConfigurationError('escudo.app', `expected an application of Koa 3, got ${show(app)}`)
    }
  }
  const handle = koa.handleRequest
  // Not a middleware: the response is sent after all of them, and its streams need the context of the request too.
  koa.handleRequest = function handleRequest(context, run) {
    const { req, res } = context
    const { error: early } = beginOnNode(settings, req, res)
    const exchange = exchangeFor(settings, context)
    return exchange.run(() => {
      const error = early ?? targetError(req.url ?? '/')
      if (error === undefined) return handle.call(this, context, (begun) => serve(settings, exchange, begun, run))
      fail(settings, context, error)
      return undefined
    })
  }
  // Koa calls it for errors after all middleware: of `JSON.stringify`, of a stream, of the socket.
  define(koa.context, 'onerror', {
    value(this: KoaContext, error: unknown) {
      // Koa passes nothing if there is no error.
      if (error !== null && error !== undefined) failAndTell(settings, this, error)
    },
    writable: true,
  })
  watchRoute(koa)
  watchBodies(koa)
  return {
    attach: (server) => {
      attachTo(server, settings)
      return server
    },
  }
}

function define(target: object, name: string, descriptor: PropertyDescriptor): void {
  Object.defineProperty(target, name, { configurable: true, enumerable: true, ...descriptor })
}

function exchangeFor({ contract, logger, deadline }: AdapterSettings, { req, res }: KoaContext): Exchange {
  const exchange = exchangeOf(contract, logger, req, res, deadline)
  exchange.adapterState ??= new KoaState()
  return exchange
}

async function serve(
  settings: AdapterSettings,
  exchange: Exchange,
  context: KoaContext,
  run: RunMiddleware,
): Promise<void> {
  try {
    await run(context)
  } catch (thrown) {
    // Not by Koa, which takes `throw null` for no error.
    failAndTell(settings, context, thrown)
    return
  }
  const { res, response, body } = context
  if (context.respond === false) return
  if ((exchange.adapterState as KoaState).hasFailed || res.writableEnded) {
    context.respond = false
  } else if (body !== null && body !== undefined) {
    if (sendStream(context, (error) => failAndTell(settings, context, error))) context.respond = false
  } else if (res.statusCode >= 400 && !res.headersSent && response._explicitNullBody !== true) {
    if (response._explicitStatus === true) {
      fail(settings, context, statusError(res.statusCode))
      return
    }
    // A route that has set nothing does not serve the request.
    exchange.route = null
    fail(settings, context, routeError(context.method, methodsFor(context)))
  }
}

/** Answers an error, once. */
function fail(settings: AdapterSettings, context: KoaContext, error: unknown): boolean {
  const exchange = exchangeFor(settings, context)
  context.respond = false
  if (!(exchange.adapterState as KoaState).isNew(error)) return false
  answerOnNode(exchange, fromKoaError(error, context), context.req, context.res)
  return true
}

/** Answers an error that something threw or emitted. */
function failAndTell(settings: AdapterSettings, context: KoaContext, error: unknown): void {
  const isNew = fail(settings, context, error)
  if (isNew && !(isDisconnect(error) && isDisconnected(context.req))) emitError(context, error)
}

/** What routers write to `_matchedRoute` of a context: any value. */
const matchedRoutes = hidden<KoaContext, { readonly pattern: unknown }>()

/** Sets the route of an exchange when a router has found it, so that an aborted request has it too. */
function watchRoute({ context }: KoaApplication): void {
  define(context, '_matchedRoute', {
    get(this: KoaContext) {
      return matchedRoutes.of(this)?.pattern
    },
    set(this: KoaContext, pattern: unknown) {
      matchedRoutes.set(this, { pattern })
      const exchange = existingExchange(this.res)
      const prefix = typeof this.mountPath === 'string' ? this.mountPath : ''
      if (exchange !== undefined) exchange.route = prefix + String(pattern)
    },
  })
}
