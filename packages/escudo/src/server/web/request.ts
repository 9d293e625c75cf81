import { hidden } from '../../core/hidden-state.ts'
import type { WebExchange } from './begin.ts'

const exchanges = hidden<Request, WebExchange>()

/** Keeps the exchange with its request. */
export function keepRequest(request: Request, exchange: WebExchange): void {
  exchanges.set(request, exchange)
}

/** The exchange of a request; undefined for a request that no handler of escudo serves. */
export function exchangeOfRequest(request: Request): WebExchange | undefined {
  return exchanges.of(request)
}
