type Body = NonNullable<RequestInit['body']>
type Buffered = Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>

interface Chunks {
  next(): Promise<{ readonly done?: boolean | undefined; readonly value: Uint8Array | undefined }>
  cancel(reason: unknown): Promise<unknown>
}

/** Reads a stream into memory. Returns a new stream of the whole body if it is longer than `maxBytes`. */
export function bufferStream(body: Body, maxBytes: number): Promise<Buffered> {
  return buffer(chunksOf(body), maxBytes)
}

function chunksOf(body: Body): Chunks {
  if (body instanceof ReadableStream) {
    const reader = (body as ReadableStream<Uint8Array>).getReader()
    return { next: () => reader.read(), cancel: (reason) => reader.cancel(reason) }
  }
  const iterator = (body as unknown as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
  return { next: () => iterator.next(), cancel: async () => await iterator.return?.() }
}

async function buffer(chunks: Chunks, maxBytes: number): Promise<Buffered> {
  const buffered: Uint8Array[] = []
  let length = 0
  while (length <= maxBytes) {
    const { done, value } = await chunks.next()
    if (done || value === undefined) {
      const bytes = new Uint8Array(length)
      let offset = 0
      for (const chunk of buffered) {
        bytes.set(chunk, offset)
        offset += chunk.byteLength
      }
      return bytes
    }
    if (!(value instanceof Uint8Array)) throw new TypeError('the body stream of a request must yield Uint8Array chunks')
    buffered.push(value)
    length += value.byteLength
  }
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const first = buffered.shift()
      if (first !== undefined) {
        controller.enqueue(first)
        return
      }
      const { done, value } = await chunks.next()
      if (done || value === undefined) controller.close()
      else controller.enqueue(value)
    },
    cancel: async (reason) => void (await chunks.cancel(reason)),
  })
}
