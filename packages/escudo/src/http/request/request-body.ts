import { abortReason } from '../../core/engine/abort-reason.ts'
import type { UpstreamTarget } from '../upstream-target.ts'
import { BodyNotReplayableError } from './body-not-replayable-error.ts'
import { bufferStream } from './buffer-stream.ts'

type Body = NonNullable<RequestInit['body']>

/** Provides the body of a request to each attempt. */
export class RequestBody {
  readonly #target: UpstreamTarget
  readonly #maxBytes: number | undefined
  /** Undefined after an attempt took a stream that cannot be read again. */
  #body: Body | undefined
  readonly #replayable: boolean
  #buffered: Promise<Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>> | undefined
  #problem = 'its body is a stream, which can be read only once'

  /** @param maxBytes how much of a stream to buffer for another attempt; undefined: nothing */
  constructor(body: Body, target: UpstreamTarget, maxBytes: number | undefined) {
    this.#body = body
    this.#target = target
    this.#maxBytes = maxBytes
    this.#replayable = !isStream(body)
  }

  /** Whether the body is a stream: then `fetch` requires `duplex`. */
  get streams(): boolean {
    return !this.#replayable
  }

  /** Whether a second attempt can have the body. True for a buffered stream, whose length is not known yet. */
  get replayable(): boolean {
    return this.#replayable || this.#maxBytes !== undefined
  }

  /**
   * Returns the body for the next attempt.
   *
   * @param lastError the error of the attempt before
   * @param signal ends the wait for a stream that is being buffered; the buffering continues for the next attempt
   * @throws BodyNotReplayableError if the body was sent already and cannot be sent again
   */
  async next(lastError: unknown, signal: AbortSignal | undefined): Promise<Body> {
    const body = this.#body
    if (body === undefined) throw new BodyNotReplayableError(this.#target, this.#problem, lastError)
    if (this.#replayable) return body
    if (this.#maxBytes === undefined) {
      this.#body = undefined
      return body
    }
    this.#buffered ??= bufferStream(body, this.#maxBytes)
    const buffered = await orAborted(this.#buffered, signal)
    if (buffered instanceof Uint8Array) return buffered
    // Checked again: a concurrent attempt may have taken the stream meanwhile.
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
    const onAbort = (): void => reject(abortReason(signal))
    const stopListening = (): void => signal.removeEventListener('abort', onAbort)
    signal.addEventListener('abort', onAbort)
    promise.then(resolve, reject).then(stopListening)
    if (signal.aborted) onAbort()
  })
}
