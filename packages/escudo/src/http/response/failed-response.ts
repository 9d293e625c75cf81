import { abortReason } from '../../core/engine/abort-reason.ts'
import { type BodyErrors, BodyStream } from './body-stream.ts'
import { discard, withBody } from './response-copy.ts'

// Failed responses are usually short. The rest of a longer body stays unread until the caller needs the response.
const READ_MAX_BYTES = 65_536

/**
 * A response with an unwanted status.
 *
 * Its body is read at once, up to a bound, so that the connection returns to the pool. The caller can still receive the
 * whole response if no further attempt follows.
 */
export class FailedResponse {
  readonly #response: Response
  readonly #chunks: Uint8Array[] = []
  /** The reader of the rest, which may be broken. Undefined once the whole body was read. */
  #rest: ReadableStreamDefaultReader<Uint8Array> | undefined
  #discarded = false

  constructor(response: Response) {
    this.#response = response
  }

  get status(): number {
    return this.#response.status
  }

  /** Reads the body to its end or to the bound. Rejects if the body ends early. */
  async read(): Promise<void> {
    const reader = this.#response.body?.getReader()
    this.#rest = reader
    let length = 0
    while (reader !== undefined && length < READ_MAX_BYTES) {
      const { done, value } = await reader.read()
      if (done) {
        this.#rest = undefined
        return
      }
      this.#chunks.push(value)
      length += value.byteLength
    }
  }

  /**
   * Returns the body parsed from JSON, or as text; invalid JSON stays text.
   *
   * @returns undefined for any other content type, and for JSON longer than the bound
   */
  parsed(): unknown {
    const type = this.#response.headers.get('content-type') ?? ''
    const json = /^[^;]*[/+]json\b/i.test(type)
    if (!json && !/^text\//i.test(type)) return undefined
    const text = new TextDecoder().decode(concatenated(this.#chunks))
    if (!json) return text
    if (this.#rest !== undefined) return undefined
    try {
      return JSON.parse(text)
    } catch {
      return text
    }
  }

  /** Cancels the unread rest of the body. */
  discard(): void {
    this.#discarded = true
    if (this.#rest !== undefined) discard(this.#rest)
  }

  /**
   * Returns the response with its whole body, for the caller.
   *
   * @param signal the caller's signal; the attempt and its timeouts have ended and no longer cover the body
   * @param errorOf makes the reader's error if the rest of a long body ends early
   */
  toResponse(signal: AbortSignal | undefined, errorOf: (cause: unknown) => unknown): Response {
    if (this.#response.body == null) return this.#response
    if (this.#rest === undefined) return withBody(this.#response, concatenated(this.#chunks))
    const errorsOf = (cause: unknown): BodyErrors => {
      const error = errorOf(cause)
      return { reader: error, shield: error }
    }
    const body = new BodyStream(this.#rest, errorsOf, this.#chunks)
    const onAbort = (): void => {
      const reason = signal && abortReason(signal)
      body.fail(reason, reason)
    }
    signal?.addEventListener('abort', onAbort)
    if (signal?.aborted) onAbort()
    else if (this.#discarded) {
      const error = errorOf(new Error('the body was discarded for another attempt'))
      body.fail(error, error)
    }
    const stopListening = (): void => signal?.removeEventListener('abort', onAbort)
    body.finished.then(stopListening, stopListening)
    return withBody(this.#response, body.stream)
  }
}

function concatenated(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.byteLength, 0))
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}
