/** The body of an answer while it is sent, as long as it is small enough to keep. */
export class BodyCapture {
  readonly #maxBytes: number
  readonly #chunks: Uint8Array[] = []
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  add(chunk: unknown, encoding?: BufferEncoding): void {
    if (chunk === undefined || chunk === null) return
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : (chunk as Uint8Array)
    this.#bytes += bytes.byteLength
    if (this.#bytes > this.#maxBytes) this.#chunks.length = 0
    else this.#chunks.push(bytes)
  }

  /** The body in base64; undefined if it was too large. */
  get base64(): string | undefined {
    return this.#bytes > this.#maxBytes ? undefined : Buffer.concat(this.#chunks).toString('base64')
  }
}
