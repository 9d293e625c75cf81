import type { Exchange } from '../exchange.ts'

/**
 * Ends an exchange when the body of its response has been sent, has failed, or is no longer wanted.
 *
 * For runtimes that do not tell when a response has been sent. A response without a body ends it immediately.
 *
 * @returns the response to send
 */
export function endWithBody(exchange: Exchange, response: Response): Response {
  const { body, status } = response
  // A response of a WebSocket has no body, and cannot be made again.
  if (body === null || status < 200) {
    exchange.end(status)
    return response
  }
  const reader = body.getReader()
  const watched = new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (!done) {
            controller.enqueue(value)
            return
          }
          controller.close()
          exchange.end(status)
        } catch (error) {
          exchange.failAfterHeaders(error)
          exchange.end(status)
          controller.error(error)
        }
      },
      cancel(reason) {
        exchange.end(undefined)
        return reader.cancel(reason)
      },
    },
    // Nothing is read before the client wants it, as without this stream.
    { highWaterMark: 0 },
  )
  return new Response(watched, response)
}

/** Sets a header. A response of `fetch` or of `Response.redirect` must be made again for that. */
export function withHeader(response: Response, name: string, value: string): Response {
  if (response.status < 200) return response
  try {
    response.headers.set(name, value)
    return response
  } catch {
    const copy = new Response(response.body, response)
    copy.headers.set(name, value)
    return copy
  }
}
