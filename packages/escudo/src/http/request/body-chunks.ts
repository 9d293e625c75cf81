type Body = NonNullable<RequestInit['body']>

/** The chunks of a request body that is a stream or an async iterable. */
export interface BodyChunks {
  next(): Promise<{ readonly done?: boolean | undefined; readonly value: Uint8Array | undefined }>
  cancel(reason: unknown): Promise<unknown>
}

/** Whether a body is a stream, which can be read only once. That of a Request is one. */
export function isStream(body: Body | Request): body is ReadableStream | Request {
  if (typeof body !== 'object') return false
  return body instanceof ReadableStream || Symbol.asyncIterator in body || body instanceof Request
}

/** Locks the stream and returns its chunks. */
export function chunksOf(body: Body): BodyChunks {
  if (body instanceof ReadableStream) {
    const reader = (body as ReadableStream<Uint8Array>).getReader()
    return { next: () => reader.read(), cancel: (reason) => reader.cancel(reason) }
  }
  const iterator = (body as unknown as AsyncIterable<unknown>)[Symbol.asyncIterator]()
  return {
    async next() {
      const { done, value } = await iterator.next()
      return done ? { done, value: undefined } : { value: bytesOf(value) }
    },
    cancel: async () => await iterator.return?.(),
  }
}

/** Like Node's `fetch`, which also takes text and buffers from an iterable. From a stream it takes only bytes. */
function bytesOf(chunk: unknown): Uint8Array {
  if (typeof chunk === 'string') return new TextEncoder().encode(chunk)
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk)
  return chunk as Uint8Array
}

/** @throws TypeError for a chunk that `fetch` would refuse too */
export function checkedChunk(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk
  throw new TypeError('the body stream of a request must yield Uint8Array chunks')
}
