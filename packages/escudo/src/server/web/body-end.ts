import { show } from '../../core/options/durations.ts'
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
  // A response of a WebSocket has no body, and cannot be made again. No runtime reads the body of an answer to HEAD.
  if (body === null || status < 200 || exchange.method === 'HEAD') {
    exchange.end(status)
    return response
  }
  const reader = body.getReader()
  let isCancelled = false
  const watched = new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          // This read was pending when the client left.
          if (isCancelled) return
          if (!done) {
            controller.enqueue(value)
            return
          }
          controller.close()
          exchange.end(status)
        } catch (error) {
          if (isCancelled) return
          exchange.failAfterHeaders(error)
          exchange.end(status)
          controller.error(error)
        }
      },
      cancel(reason) {
        isCancelled = true
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

/**
 * Returns what a handler made, if a runtime can send it.
 *
 * @throws TypeError for what is no response, for a network error, and for a response whose body was already read
 */
export function checkedResponse(made: unknown): Response {
  const { status, bodyUsed, body } = (made ?? {}) as Partial<Response>
  if (typeof status !== 'number') throw new TypeError(`a handler returned ${show(made)}, which is no Response`)
  if (status === 0) throw new TypeError('a handler returned the Response of a network error, which cannot be sent')
  if (bodyUsed === true || body?.locked === true) {
    throw new TypeError('a handler returned a Response whose body was already read: each request needs a new one')
  }
  return made as Response
}
