import type { IncomingMessage } from 'node:http'
import type { Exchange } from '../exchange.ts'
import { existingExchange } from '../node/exchanges.ts'

/** What the adapter keeps of a request. */
export interface RequestState {
  readonly exchange: Exchange
  /** The patterns of the routers around the current one. */
  prefix: string
  /** An error that a route answers, after middleware such as that of CORS. */
  readonly deferred: Error | undefined
  /** The largest body, in bytes. */
  readonly bodyLimit: number
}

/** The state of a request; undefined before the adapter's first middleware. */
export function stateOf(request: IncomingMessage): RequestState | undefined {
  return existingExchange(request)?.adapterState as RequestState | undefined
}
