import type { AdapterSettings } from '../adapter-options.ts'
import { Exchange } from '../exchange.ts'
import { type NodePair, takeFromFront } from '../node/front.ts'

/** No address is a local socket, and trusted. A runtime that does not tell the address must not be. */
const UNKNOWN_ADDRESS = 'unknown'

/** An exchange of a request of web standards. */
export interface WebExchange {
  readonly exchange: Exchange
  /** Node's objects, if the server is Node's with the front. It ends the exchange then. */
  readonly node: NodePair | undefined
  /** The bytes of a JSON body that was read to compare it. */
  body?: Uint8Array | undefined
  /** Receives the response of a request with an idempotency key, also that of an error. Returns the one to send. */
  amend?: (response: Response) => Response
}

/**
 * Begins the exchange of a request, or takes over the one that the front on Node has begun.
 *
 * @param address the remote address, where the runtime tells it
 */
export function beginWeb(settings: AdapterSettings, request: Request, address: () => string | undefined): WebExchange {
  const begun = takeFromFront()
  if (begun !== undefined) return begun
  const { method, url, headers } = request
  const inbound = {
    method,
    url,
    headers: Object.fromEntries(headers),
    address: knownAddress(address),
    isEncrypted: url.startsWith('https:'),
  }
  return {
    exchange: new Exchange(settings.contract, settings.logger, inbound, settings.deadline),
    node: undefined,
  }
}

/** The address, or `unknown`: also if the function throws, and for the empty text of a header that is missing. */
function knownAddress(address: () => unknown): string {
  try {
    const found = address()
    return typeof found === 'string' && found !== '' ? found : UNKNOWN_ADDRESS
  } catch {
    return UNKNOWN_ADDRESS
  }
}
