import { discard } from './response-copy.ts'

// How much is read ahead. A body that fits ends its attempt without a reader; a larger body waits for its reader.
const READ_AHEAD_BYTES = 65_536

/** The errors of a body that ended early: one for its reader, one for the policies around the call. */
export interface BodyErrors {
  readonly reader: unknown
  readonly shield: unknown
}

/**
 * Passes a response body to its reader and reports when it ends.
 *
 * `finished` settles when the body was read to its end, when the reader cancels it, when it ends early, or on `fail()`.
 */
export class BodyStream {
  readonly stream: ReadableStream<Uint8Array>
  /** Rejects with the shield's error if the body ended early or was failed. */
  readonly finished: Promise<void>
  readonly #source: ReadableStreamDefaultReader<Uint8Array>
  readonly #errorsOf: (cause: unknown) => BodyErrors
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  #ended = false
  #awaitsSource = false
  #resolve: () => void = () => {}
  #reject: (error: unknown) => void = () => {}

  /**
   * @param source the rest of the body
   * @param errorsOf makes the errors if the source ends early
   * @param prefix the part that was already read
   */
  constructor(
    source: ReadableStreamDefaultReader<Uint8Array>,
    errorsOf: (cause: unknown) => BodyErrors,
    prefix: readonly Uint8Array[] = [],
  ) {
    this.#source = source
    this.#errorsOf = errorsOf
    this.finished = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
          for (const chunk of prefix) controller.enqueue(chunk)
        },
        pull: () => this.#pull(),
        cancel: (reason) => this.#cancel(reason),
      },
      // A custom `fetch` may yield chunks that are not bytes. They pass, and the reader rejects them.
      { highWaterMark: READ_AHEAD_BYTES, size: (chunk) => chunk?.byteLength ?? 1 },
    )
  }

  /** Whether the read-ahead buffer is full and the stream waits for its reader. */
  get waitsForReader(): boolean {
    return !this.#ended && !this.#awaitsSource
  }

  /** Ends the body with an error for its reader and one for the shield. Has no effect on a body that has ended. */
  fail(readerError: unknown, shieldError: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#controller?.error(readerError)
    discard(this.#source)
    this.#reject(shieldError)
  }

  async #pull(): Promise<void> {
    this.#awaitsSource = true
    try {
      const { done, value } = await this.#source.read()
      this.#awaitsSource = false
      if (this.#ended) return
      if (done) {
        this.#ended = true
        this.#controller?.close()
        this.#resolve()
        return
      }
      this.#controller?.enqueue(value)
    } catch (error) {
      this.#awaitsSource = false
      if (this.#ended) return
      const { reader, shield } = this.#errorsOf(error)
      this.fail(reader, shield)
    }
  }

  async #cancel(reason: unknown): Promise<void> {
    this.#ended = true
    this.#resolve()
    await this.#source.cancel(reason)
  }
}
