import { BodyNotReplayableError, type UpstreamTarget } from '../upstream-error.ts'

type Body = NonNullable<RequestInit['body']>

/** A request's body, given out once for each attempt. */
export class RequestBody {
  readonly #target: UpstreamTarget
  readonly #maxBytes: number | undefined
  /** Undefined once it is known that there is nothing to give out again. */
  #body: Body | undefined
  readonly #replayable: boolean
  #buffered: Promise<Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>> | undefined
  #problem = 'its body is a stream, which can be read only once'

  /** @param maxBytes how much of a stream to keep for another attempt; undefined: nothing */
  constructor(body: Body, target: UpstreamTarget, maxBytes: number | undefined) {
    this.#body = body
    this.#target = target
    this.#maxBytes = maxBytes
    this.#replayable = !isStream(body)
  }

  /** Whether the body is sent as a stream, for which `fetch` wants to be told so (`duplex`). */
  get streams(): boolean {
    return !this.#replayable
  }

  /** Whether there is another one to give out, as far as that is known before a stream has been read. */
  get replayable(): boolean {
    return this.#replayable || this.#maxBytes !== undefined
  }

  /**
   * @param lastError what the attempt before failed with
   * @param signal ends the wait for a stream that is being read; the reading goes on, for the next attempt
   * @throws BodyNotReplayableError when the body has been given out, and there is no second one
   */
  async next(lastError: unknown, signal: AbortSignal | undefined): Promise<Body> {
    const body = this.#body
    if (body === undefined) throw new BodyNotReplayableError(this.#target, this.#problem, lastError)
    if (this.#replayable) return body
    if (this.#maxBytes === undefined) {
      this.#body = undefined
      return body
    }
    this.#buffered ??= buffer(chunksOf(body), this.#maxBytes)
    const buffered = await orAborted(this.#buffered, signal)
    if (buffered instanceof Uint8Array) return buffered
    if (this.#body === undefined) throw new BodyNotReplayableError(this.#target, this.#problem, lastError)
    this.#body = undefined
    this.#problem = `its body is a stream of more than ${this.#maxBytes} bytes`
    return buffered
  }
}

function isStream(body: Body): boolean {
  return typeof body === 'object' && (body instanceof ReadableStream || Symbol.asyncIterator in body)
}

/** Settles like the promise, or rejects with the signal's reason, whichever comes first. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const give = (): void => reject(signal.reason)
    const leave = (): void => signal.removeEventListener('abort', give)
    signal.addEventListener('abort', give)
    promise.then(resolve, reject).then(leave)
    if (signal.aborted) give()
  })
}

interface Chunks {
  next(): Promise<{ readonly done?: boolean | undefined; readonly value: Uint8Array | undefined }>
  cancel(reason: unknown): Promise<unknown>
}

function chunksOf(body: Body): Chunks {
  if (body instanceof ReadableStream) {
    const reader = (body as ReadableStream<Uint8Array>).getReader()
    return { next: () => reader.read(), cancel: (reason) => reader.cancel(reason) }
  }
  const iterator = (body as unknown as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
  return { next: () => iterator.next(), cancel: async () => await iterator.return?.() }
}

/** All of a body, or a stream of it where it is longer than the bound. */
async function buffer(chunks: Chunks, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>> {
  const kept: Uint8Array[] = []
  let length = 0
  while (length <= maxBytes) {
    const { done, value } = await chunks.next()
    if (done || value === undefined) {
      const bytes = new Uint8Array(length)
      let offset = 0
      for (const chunk of kept) {
        bytes.set(chunk, offset)
        offset += chunk.byteLength
      }
      return bytes
    }
    if (!(value instanceof Uint8Array)) throw new TypeError('a stream as the body of a request must give Uint8Arrays')
    kept.push(value)
    length += value.byteLength
  }
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const first = kept.shift()
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
