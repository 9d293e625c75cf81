import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AbstractHttpAdapter } from '@nestjs/core'
import { withAmbient } from '../../core/context/ambient.ts'
import type { AdapterSettings } from '../adapter-options.ts'
import { type Exchange, pathOf } from '../exchange.ts'
import { fromExpressError } from '../express/express-errors.ts'
import { guardRouter } from '../express/guard.ts'
import type { RequestState } from '../express/request-state.ts'
import { methodsFor } from '../express/route-table.ts'
import { answerOnNode } from '../node/error-response.ts'
import { existingExchange } from '../node/exchanges.ts'
import { routeError } from '../not-found.ts'
import { beginRequest } from './front.ts'
import type { Platform } from './platform.ts'

/** Nest on Express. */
export function expressPlatform(adapter: AbstractHttpAdapter, settings: AdapterSettings, bodyLimit: number): Platform {
  const app = adapter.getInstance() as { readonly router?: unknown }
  const begin = (exchange: Exchange): void => {
    guardRouter(app.router)
    const state: RequestState = { exchange, prefix: '', deferred: undefined, bodyLimit }
    exchange.adapterState = state
  }
  adapter.use((request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => {
    if (existingExchange(request) !== undefined) {
      next()
      return
    }
    // From another server than that of Nest, or from none: Express itself is a handler.
    const { exchange, error } = beginRequest(settings, request, response)
    begin(exchange)
    withAmbient(exchange.ambient, error === undefined ? next : () => next(error))
  })
  return {
    begin,
    convert: fromExpressError,
    methodsFor: (path) => methodsFor(app.router, path),
    unanswered: (exchange, request, response) => (error) => {
      const isUnknown = error === undefined || error === null
      // A handler has answered and then called `next`.
      if (isUnknown && response.headersSent) return
      const { method = 'GET', url = '/' } = request
      if (isUnknown) exchange.route = null
      const reason = isUnknown ? routeError(method, methodsFor(app.router, pathOf(url))) : fromExpressError(error)
      answerOnNode(exchange, reason, request, response)
    },
    answer: (exchange, error, request, response) => {
      answerOnNode(exchange, error, request as IncomingMessage, response as ServerResponse)
    },
  }
}
