import { abortReason } from '../../core/engine/abort-reason.ts'
import type { UpstreamTarget } from '../upstream-target.ts'
import { type BodyChunks, chunksOf } from './body-chunks.ts'
import { BodyNotReplayableError } from './body-not-replayable-error.ts'
import { type Buffered, bufferChunks } from './buffered-chunks.ts'
import { Upload } from './upload.ts'

type Body = NonNullable<RequestInit['body']>

/** The body for one attempt. `input`: the body of the Request that is the input of `fetch`. */
export type AttemptBody = Exclude<Body, ReadableStream> | Upload | 'input'

/**
 * Provides the body of a request to each attempt, if it is a stream.
 *
 * The body of a `Request` is a stream, but its length may be known. Only `fetch` knows it, so the `Request` is passed to
 * `fetch` and its body is not touched. A body that must be buffered is read from a clone.
 */
export class RequestBody {
  readonly #target: UpstreamTarget
  readonly #maxBytes: number | undefined
  /** Undefined after an attempt took a stream that cannot be read again. */
  #body: Body | Request | undefined
  /** The Request whose body an attempt has taken. */
  #taken: Request | undefined
  #chunks: BodyChunks | undefined
  #buffered: Promise<Buffered> | undefined
  #problem = 'cannot be retried: its body is a stream, which can be read only once'

  /** @param maxBytes how much of a stream to buffer for another attempt; undefined: nothing */
  constructor(body: Body | Request, target: UpstreamTarget, maxBytes: number | undefined) {
    this.#body = body
    this.#target = target
    this.#maxBytes = maxBytes
  }

  /** Whether a second attempt can have the body. True for a buffered stream, whose length is not known yet. */
  get replayable(): boolean {
    return this.#maxBytes !== undefined
  }

  /**
   * Returns the body for the next attempt.
   *
   * @param lastError the error of the attempt before
   * @param signal ends the wait for a stream that is being buffered; the buffering continues for the next attempt
   * @throws BodyNotReplayableError if the body was sent already and cannot be sent again, or if the stream failed while
   * it was buffered
   */
  async next(lastError: unknown, signal: AbortSignal | undefined): Promise<AttemptBody> {
    const body = this.#body
    if (body === undefined) throw this.#notReplayable(lastError)
    if (this.#maxBytes === undefined) {
      this.#body = undefined
      return body instanceof Request ? this.#take(body) : new Upload(chunksOf(body))
    }
    const buffered = await this.#buffer(body, this.#maxBytes, signal)
    if (buffered instanceof Uint8Array) {
      // As after `fetch`, the Request is used. Otherwise it would keep a second copy of the body.
      if (body instanceof Request) body.body?.cancel().catch(() => {})
      return buffered
    }
    // Checked again: a concurrent attempt may have taken the stream meanwhile.
    if (this.#body === undefined) throw this.#notReplayable(lastError)
    this.#body = undefined
    this.#problem = `cannot be retried: its body is a stream of more than ${this.#maxBytes} bytes`
    const chunks = this.#chunks as BodyChunks
    if (!(body instanceof Request)) return new Upload(chunks, buffered)
    // The clone is not needed any more, and `fetch` reads the original from its beginning.
    chunks.cancel(undefined).catch(() => {})
    return this.#take(body)
  }

  #take(request: Request): 'input' {
    this.#taken = request
    return 'input'
  }

  /**
   * Cancels a stream that an attempt has taken and will not send.
   *
   * @param upload the stream, unless the attempt has taken the body of the Request
   */
  abandon(upload: Upload | undefined, reason: unknown): void {
    if (upload !== undefined) upload.cancel(reason)
    else this.#taken?.body?.cancel(reason).catch(() => {})
  }

  /** Makes the error of a stream that failed: no attempt can have it, and the dependency has nothing to do with it. */
  failed(error: unknown): BodyNotReplayableError {
    this.#body = undefined
    this.#problem = 'cannot be sent: its body is a stream that failed while it was read'
    return this.#notReplayable(error)
  }

  /** Cancels a stream that no attempt has taken, after the call has ended. */
  release(reason: unknown): void {
    const body = this.#body
    if (body === undefined) return
    this.#body = undefined
    this.#chunks?.cancel(reason).catch(() => {})
    if (body instanceof Request) body.body?.cancel(reason).catch(() => {})
    else if (this.#chunks === undefined)
      chunksOf(body)
        .cancel(reason)
        .catch(() => {})
  }

  async #buffer(body: Body | Request, maxBytes: number, signal: AbortSignal | undefined): Promise<Buffered> {
    if (this.#buffered === undefined) {
      this.#chunks = chunksOf(body instanceof Request ? (body.clone().body as ReadableStream) : body)
      this.#buffered = bufferChunks(this.#chunks, maxBytes)
    }
    const reading = this.#buffered
    try {
      return await orAborted(reading, signal)
    } catch (error) {
      if (signal?.aborted) throw error
      this.#chunks?.cancel(error).catch(() => {})
      throw this.failed(error)
    }
  }

  #notReplayable(cause: unknown): BodyNotReplayableError {
    return new BodyNotReplayableError(this.#target, `${this.#problem}; see resilientFetch's option retryBody`, cause)
  }
}

/** Settles like the promise, or rejects with the signal's reason, whichever comes first. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortReason(signal))
    const stopListening = (): void => signal.removeEventListener('abort', onAbort)
    signal.addEventListener('abort', onAbort)
    promise.then(resolve, reject).then(stopListening)
    if (signal.aborted) onAbort()
  })
}
