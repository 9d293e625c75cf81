import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { KoaApplication, KoaContext } from './application.ts'

// Bodies that are streams. Koa closes the connection when one fails, even if nothing of it was sent: the client would
// get no answer.

/** Statuses without a body. */
const EMPTY: readonly number[] = [204, 205, 304]

/**
 * Sends the body of a context if it is a stream, a `Blob`, a `ReadableStream` or a `Response`.
 *
 * @param fail receives the error of the stream
 * @returns false for any other body, which Koa sends
 */
export function sendStream(context: KoaContext, fail: (error: unknown) => void): boolean {
  const { body, res, method } = context
  if (method === 'HEAD' || EMPTY.includes(res.statusCode)) return false
  const stream = streamOf(body)
  if (stream === undefined) return false
  const { finished } = process.getBuiltinModule('node:stream')
  finished(stream, { writable: false }, (error) => {
    if (error !== null && error !== undefined) fail(error)
  })
  destroyWith(res, stream)
  stream.pipe(res)
  return true
}

/** A client that disconnects must not keep a stream open. */
function destroyWith(response: ServerResponse, stream: Readable): void {
  response.on('close', () => {
    if (typeof stream.destroy === 'function') stream.destroy()
  })
}

/** Whether a body is sent in parts, so that its end is not known yet. */
export function isStreamed(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false
  return isNodeStream(body) || webStreamOf(body) !== undefined
}

function streamOf(body: unknown): Readable | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  if (isNodeStream(body)) return body
  const source = webStreamOf(body)
  if (source === undefined) return undefined
  const { Readable } = process.getBuiltinModule('node:stream')
  // Not `Readable.from`, which cancels a stream only after its next part.
  return source === null ? Readable.from([]) : Readable.fromWeb(source as Parameters<typeof Readable.fromWeb>[0])
}

/** Null for a response without a body, undefined for what is no stream. */
function webStreamOf(body: object): ReadableStream | null | undefined {
  if (body instanceof ReadableStream) return body
  if (body instanceof Blob) return body.stream()
  return body instanceof Response ? body.body : undefined
}

function isNodeStream(body: object): body is Readable {
  const { pipe, on } = body as Partial<Readable>
  return typeof pipe === 'function' && typeof on === 'function'
}

/**
 * Listens for the errors of streams as soon as they are the body of a response.
 *
 * Koa listens when all middleware has run. A stream that fails before, such as that of a missing file, would end the
 * process.
 */
export function watchBodies({ response }: KoaApplication): void {
  const own = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(response), 'body') ?? {}
  Object.defineProperty(response, 'body', {
    ...own,
    set(this: { readonly ctx: KoaContext & { onerror(error: unknown): void } }, body: unknown) {
      own.set?.call(this, body)
      if (typeof body !== 'object' || body === null || !isNodeStream(body)) return
      const { ctx } = this
      body.once('error', (error: unknown) => {
        // Another stream may read this one, to compress it for example. Any other body has replaced it.
        if (typeof ctx.body === 'object' && ctx.body !== null && isNodeStream(ctx.body)) ctx.onerror(error)
      })
    },
  })
}
