import type { ErrorAnswer } from '../../errors/contract/contract.ts'
import type { Exchange } from '../exchange.ts'
import { isDisconnected } from '../node/error-response.ts'
import type { NodePair } from '../node/front.ts'
import { drainRequest } from '../node/raw-answers.ts'

/**
 * Translates an error to its answer, and logs it. The rest of the request's body is read, so that its client can read
 * the answer.
 */
export function failOnWeb(exchange: Exchange, node: NodePair | undefined, error: unknown): ErrorAnswer {
  if (node === undefined) return exchange.fail(error)
  const { request, response } = node
  // Nothing will be sent. Without this, the error of a client that left would be logged as if it had been answered.
  if (isDisconnected(request)) exchange.failAfterDisconnect(error)
  else if (!request.complete && hasBody(request.headers)) drainRequest(request, response)
  return exchange.fail(error)
}

function hasBody(headers: NodePair['request']['headers']): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
}
