import type { ErrorAnswer } from '../../errors/contract/contract.ts'
import type { Exchange } from '../exchange.ts'
import { hasUnreadBody, isDisconnected } from '../node/error-response.ts'
import type { NodePair } from '../node/front.ts'
import { drainRequest } from '../node/raw-answers.ts'

/**
 * Translates an error to its answer, and logs it. The rest of the request's body is read, so that its client can read
 * the answer.
 */
export function failOnWeb(
  exchange: Exchange,
  node: NodePair | undefined,
  error: unknown,
  // Not its signal: on Node it is made when it is read first.
  web: Pick<Request, 'signal'>,
): ErrorAnswer {
  if (node === undefined) {
    if (web.signal.aborted) {
      exchange.failAfterDisconnect(withoutReason(error, web.signal))
      exchange.end(undefined)
    }
    return exchange.fail(error)
  }
  const { request, response } = node
  // Nothing will be sent. Without this, the error of a client that left would be logged as if it had been answered.
  if (isDisconnected(request)) exchange.failAfterDisconnect(withoutReason(error, web.signal))
  else if (hasUnreadBody(request)) drainRequest(request, response)
  return exchange.fail(error)
}

/** The reason of an aborted signal is not a bug, whatever it is. That of `@hono/node-server` is a text. */
function withoutReason(error: unknown, { aborted, reason }: AbortSignal): unknown {
  const isReason = aborted && error === reason
  return isReason ? Object.assign(new Error('aborted', { cause: error }), { code: 'ECONNRESET' }) : error
}
