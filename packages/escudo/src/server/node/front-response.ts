import type { ServerResponse } from 'node:http'
import { WellKnown } from '../../errors/catalogue/well-known.ts'
import type { Exchange } from '../exchange.ts'
import { answerOnNode } from './error-response.ts'
import { existingExchange } from './exchanges.ts'
import { nodeHttp } from './node-http.ts'
import { type Head, holdingTraceId, type ResponseClass } from './trace-header.ts'

type End = Parameters<ServerResponse['end']>

/** What a response holds back until the current code has ended. */
interface Held {
  head: Head | undefined
  end: End | undefined
}

/**
 * Makes the class of the responses of a front.
 *
 * For a `Response` that it cannot send, and for one whose body fails, `@hono/node-server` writes the message of the error
 * to the client, and then destroys the response. So what begins like this is held back until the next microtask, and is
 * dropped if the response is destroyed with an error. The answer is the contract's then, or a closed connection if the
 * headers were already sent. It also answers a request that it can make no `Request` of with an empty 400.
 *
 * @param isWaiting whether the request of an exchange has not reached an adapter
 * @param base the class of the option `ServerResponse`
 */
export function responseClass(
  isWaiting: (exchange: Exchange) => boolean,
  base: ResponseClass = nodeHttp().ServerResponse,
): ResponseClass {
  return class FrontResponse extends holdingTraceId(base) {
    declare held: Held | undefined

    // biome-ignore lint/suspicious/noExplicitAny: the overloads of Node
    override writeHead(...args: any[]): this {
      if (args[0] === 500 && !this.headersSent && isPlainHead(args[1])) {
        this.#hold().head = args as Head
        return this
      }
      if (args[0] === 400 && !this.headersSent && isEmpty(args[1])) {
        const exchange = existingExchange(this)
        if (exchange !== undefined && exchange.answering === 'no' && isWaiting(exchange)) {
          answerOnNode(exchange, new WellKnown.BAD_REQUEST(), this.req, this)
          return this
        }
      }
      return super.writeHead(...(args as Head))
    }

    // biome-ignore lint/suspicious/noExplicitAny: the overloads of Node
    override end(...args: any[]): this {
      if (this.held?.head !== undefined || isMessage(args[0])) {
        this.#hold().end = args as End
        return this
      }
      // The library ends what has been answered above.
      return this.writableEnded ? this : super.end(...(args as End))
    }

    override destroy(error?: Error): this {
      const { held } = this
      this.held = undefined
      const exchange = held === undefined || error === undefined ? undefined : existingExchange(this)
      if (exchange === undefined || this.headersSent || exchange.answering !== 'no') return super.destroy(error)
      answerOnNode(exchange, error, this.req, this)
      return this
    }

    #hold(): Held {
      if (this.held === undefined) {
        this.held = { head: undefined, end: undefined }
        queueMicrotask(() => this.#release())
      }
      return this.held
    }

    #release(): void {
      const { held } = this
      this.held = undefined
      if (held?.head !== undefined) super.writeHead(...held.head)
      if (held?.end !== undefined) super.end(...held.end)
    }
  }
}

function isPlainHead(headers: unknown): boolean {
  return (headers as Readonly<Record<string, unknown>> | undefined)?.['Content-Type'] === 'text/plain'
}

function isEmpty(headers: unknown): boolean {
  return headers === undefined || (typeof headers === 'object' && Object.keys(headers ?? {}).length === 0)
}

function isMessage(chunk: unknown): boolean {
  return typeof chunk === 'string' && chunk.startsWith('Error: ')
}
