import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Exchange } from '../exchange.ts'
import type { MethodLookup } from '../not-found.ts'

/** What differs between the platforms of Nest. */
export interface Platform {
  /** Sets what the platform keeps of a request. */
  begin(exchange: Exchange): void
  /** Converts an error of the platform. Returns any other error unchanged. */
  convert(error: unknown): unknown
  readonly methodsFor: MethodLookup
  /**
   * Returns what the framework calls for a request that nothing in it has answered. Express takes it as the third
   * argument of its listener: with a global prefix, Nest handles no unknown route outside it.
   */
  unanswered?(exchange: Exchange, request: IncomingMessage, response: ServerResponse): (error?: unknown) => void
  /** Answers an error. `request` and `response` are those of the platform, or those of Node in middleware. */
  answer(exchange: Exchange, error: unknown, request: unknown, response: unknown): void
}
