import type { Context } from 'hono'
import { hidden } from '../../core/hidden-state.ts'
import type { WebExchange } from '../web/begin.ts'

const exchanges = hidden<Context, WebExchange>()

/** Keeps the exchange with Hono's context, for the handlers of errors and of routes. */
export function keepExchange(context: Context, exchange: WebExchange): void {
  exchanges.set(context, exchange)
}

/** The exchange of a request; undefined if the middleware has not run. */
export function exchangeIn(context: Context): WebExchange | undefined {
  return exchanges.of(context)
}
