import { type CallHandler, type ExecutionContext, Inject, type NestInterceptor, UseInterceptors } from '@nestjs/common'
import { Observable } from 'rxjs'
import type { Carrier } from '../../core/context/carrier.ts'
import { checkedName, knownKeys } from '../../core/options/options.ts'
import type { Exchange, Exchanges } from '../exchanges.ts'
import { keepAnswer } from './message-answers.ts'
import { fromNestError } from './nest-errors.ts'

/** The token under which the module provides what begins exchanges. */
export const EXCHANGES: unique symbol = Symbol('escudo.exchanges')

/** Options of {@link Work}. */
export interface WorkOptions {
  /**
   * Returns the headers of the message, to continue its trace. They are trusted. Default: none, so a new trace.
   *
   * @param context as interceptors get it: `context.switchToRpc().getContext<KafkaContext>().getMessage().headers`
   */
  readonly carrier?: (context: ExecutionContext) => Carrier | undefined
}

/**
 * Gives a handler of messages or events the context, the log line and the metrics of one piece of work.
 *
 * For the methods with `@MessagePattern()` and `@EventPattern()`. The line is `work`, and an error is a line `work_error`
 * too. Pipes and the handler run inside.
 *
 * @param name what the work is: `orders.consume`. It names log lines and metrics
 * @returns a decorator of a method
 * @throws ConfigurationError for an invalid name or option
 * @example
 * ```ts
 * import { Work } from 'escudo/nest'
 *
 * class Orders {
 *   consume(order: { id: string }) {
 *     return order.id
 *   }
 * }
 * // With a compiler for decorators: @MessagePattern('orders') @Work('orders.consume') above the method.
 * const method = Object.getOwnPropertyDescriptor(Orders.prototype, 'consume') as PropertyDescriptor
 * Work('orders.consume')(Orders.prototype, 'consume', method)
 * ```
 */
export function Work(name: string, options: WorkOptions = {}): MethodDecorator {
  checkedName(name, 'Work.name')
  knownKeys(options, 'Work', ['carrier'])
  class WorkInterceptor implements NestInterceptor {
    readonly #exchanges: Exchanges

    constructor(exchanges: Exchanges) {
      this.#exchanges = exchanges
    }

    intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
      // A request has its exchange.
      if (context.getType() === 'http') return next.handle()
      return inExchange(this.#exchanges.begin({ name, carrier: options.carrier?.(context) }), next)
    }
  }
  // Nest makes one for each handler, with what the module provides.
  Inject(EXCHANGES)(WorkInterceptor, undefined, 0)
  return UseInterceptors(WorkInterceptor)
}

function inExchange(exchange: Exchange, next: CallHandler): Observable<unknown> {
  return new Observable((subscriber) => {
    const subscription = exchange.run(() =>
      next.handle().subscribe({
        next: (value) => subscriber.next(value),
        error: (error: unknown) => {
          keepAnswer(error, exchange.fail(fromNestError(error)))
          exchange.end()
          subscriber.error(error)
        },
        complete: () => {
          exchange.end()
          subscriber.complete()
        },
      }),
    )
    return () => {
      subscription.unsubscribe()
      // The caller has gone. After an end, this does nothing.
      exchange.end()
    }
  })
}
