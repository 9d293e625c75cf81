import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerOnNode } from '../node/error-response.ts'
import { existingExchange } from '../node/exchanges.ts'

/** The part of Nest's `StreamableFile` that is used here. */
interface Streamable {
  setErrorHandler(handler: (error: Error, response: unknown) => void): unknown
}

/** Answers errors of the stream in a `StreamableFile` by the contract. Any other body is not touched. */
export function watchStream(body: unknown): void {
  if (!isStreamable(body)) return
  body.setErrorHandler((error, response) => {
    const raw = response as ServerResponse & { readonly req: IncomingMessage }
    const exchange = existingExchange(raw)
    if (exchange === undefined) raw.destroy()
    else answerOnNode(exchange, error, raw.req, raw)
  })
}

function isStreamable(body: unknown): body is Streamable {
  if (typeof body !== 'object' || body === null) return false
  const { setErrorHandler, getStream } = body as Partial<Streamable> & { readonly getStream?: unknown }
  return typeof setErrorHandler === 'function' && typeof getStream === 'function'
}
