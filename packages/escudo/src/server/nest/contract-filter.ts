import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common'
import type { AdapterSettings } from '../adapter-options.ts'
import { pathOf } from '../exchange.ts'
import type { Exchanges } from '../exchanges.ts'
import { exchangeOf } from '../node/exchanges.ts'
import { routeError } from '../not-found.ts'
import { answerMessage } from './message-answers.ts'
import { fromNestError, isUnknownRoute } from './nest-errors.ts'
import type { Platform } from './platform.ts'

/** Answers what no filter of the application has answered. Without metadata, Nest gives it every exception. */
export class ContractFilter implements ExceptionFilter {
  platform: Platform | undefined
  readonly #settings: AdapterSettings

  readonly #exchanges: Exchanges

  constructor(settings: AdapterSettings, exchanges: Exchanges) {
    this.#settings = settings
    this.#exchanges = exchanges
  }

  catch(exception: unknown, host: ArgumentsHost): unknown {
    const { platform } = this
    const type = host.getType()
    if (type === 'rpc') return answerMessage(exception, this.#exchanges)
    // GraphQL reports the error that a filter returns.
    if (type !== 'http' || platform === undefined) return exception
    const { contract, logger, deadline } = this.#settings
    const [request, response] = host.getArgs<[Wrapped<IncomingMessage>, Wrapped<ServerResponse>]>()
    const exchange = exchangeOf(contract, logger, rawOf(request), rawOf(response), deadline)
    const { method = 'GET', originalUrl, url = '/' } = request
    const target = originalUrl ?? url
    let error = exception
    if (isUnknownRoute(exception, method, target)) {
      exchange.route = null
      error = routeError(method, platform.methodsFor(pathOf(target)))
    }
    platform.answer(exchange, fromNestError(error), request, response)
    return undefined
  }
}

/** An object of Node, or that of Fastify around it. */
type Wrapped<T> = T & {
  readonly raw?: T
  readonly originalUrl?: string
  readonly method?: string
  readonly url?: string
}

function rawOf<T>(wrapped: Wrapped<T>): T {
  return wrapped.raw ?? wrapped
}
