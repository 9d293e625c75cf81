import { isKept, replayedHeaders, type StoredAnswer } from './record.ts'

/** The body of an answer while it is sent, as long as it is small enough to keep. */
export class BodyCapture {
  readonly #maxBytes: number
  readonly #chunks: Uint8Array[] = []
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Adds what can be sent: text or bytes. */
  add(chunk: unknown, encoding?: BufferEncoding): void {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return
    // Copied: a handler may fill its buffer again once it is sent.
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk)
    this.#bytes += bytes.byteLength
    if (this.#bytes > this.#maxBytes) this.#chunks.length = 0
    else this.#chunks.push(bytes)
  }

  /** The body in base64; undefined if it was too large. */
  get base64(): string | undefined {
    return this.#bytes > this.#maxBytes ? undefined : Buffer.concat(this.#chunks).toString('base64')
  }

  /** The answer with this body. Undefined if its status is not kept, however large it is. */
  answer(status: number, headers: Iterable<readonly [string, unknown]>): StoredAnswer | 'too large' | undefined {
    if (!isKept(status)) return undefined
    const body = this.base64
    return body === undefined ? 'too large' : { status, headers: replayedHeaders(headers), body }
  }
}
