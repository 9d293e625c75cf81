import { type BodyChunks, checkedChunk } from './body-chunks.ts'

/**
 * The body stream of an attempt.
 *
 * `fetch` alone does not cancel the caller's stream when the upload is aborted: Node's goes on reading it. This stream
 * passes the chunks on as they are, and cancels their source.
 */
export class Upload {
  readonly stream: ReadableStream<Uint8Array>
  /** The error with which the caller's stream failed. The dependency has nothing to do with it. */
  failure: { readonly error: unknown } | undefined
  readonly #chunks: BodyChunks
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  #ended = false

  /** @param prefix chunks that were already read from the source */
  constructor(chunks: BodyChunks, prefix: Uint8Array[] = []) {
    this.#chunks = chunks
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
        },
        pull: (controller) => this.#pull(controller, prefix),
        cancel: (reason) => this.#cancelSource(reason),
      },
      // Nothing is read ahead.
      { highWaterMark: 0 },
    )
  }

  /** Ends the upload: the source is cancelled, and `fetch` stops reading. Has no effect on an upload that has ended. */
  cancel(reason: unknown): void {
    if (this.#ended) return
    this.#controller?.error(reason)
    this.#cancelSource(reason).catch(() => {})
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>, prefix: Uint8Array[]): Promise<void> {
    const first = prefix.shift()
    if (first !== undefined) {
      controller.enqueue(first)
      return
    }
    try {
      const { done, value } = await this.#chunks.next()
      if (this.#ended) return
      if (done || value === undefined) {
        this.#ended = true
        controller.close()
      } else controller.enqueue(checkedChunk(value))
    } catch (error) {
      if (this.#ended) return
      this.#ended = true
      this.failure = { error }
      // A chunk may be wrong; the stream itself is not over then.
      this.#chunks.cancel(error).catch(() => {})
      controller.error(error)
    }
  }

  async #cancelSource(reason: unknown): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await this.#chunks.cancel(reason)
  }
}
