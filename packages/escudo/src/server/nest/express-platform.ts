import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AbstractHttpAdapter } from '@nestjs/core'
import { fromExpressError } from '../express/express-errors.ts'
import { guardRouter } from '../express/guard.ts'
import type { RequestState } from '../express/request-state.ts'
import { methodsFor } from '../express/route-table.ts'
import { answerOnNode } from '../node/error-response.ts'
import type { Platform } from './platform.ts'

/** Nest on Express. */
export function expressPlatform(adapter: AbstractHttpAdapter, bodyLimit: number): Platform {
  const app = adapter.getInstance() as { readonly router?: unknown }
  return {
    begin: (exchange) => {
      guardRouter(app.router)
      const state: RequestState = { exchange, prefix: '', deferred: undefined, bodyLimit }
      exchange.adapterState = state
    },
    convert: fromExpressError,
    methodsFor: (path) => methodsFor(app.router, path),
    answer: (exchange, error, request, response) => {
      answerOnNode(exchange, error, request as IncomingMessage, response as ServerResponse)
    },
  }
}
