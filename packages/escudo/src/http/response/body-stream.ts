import { discard } from './response-copy.ts'

// How much is read ahead of the reader. A body that fits ends its attempt whether or not anybody reads it; a larger one
// waits for its reader.
const READ_AHEAD_BYTES = 65_536

/** The errors of a body that broke off: what its reader gets to see, and what the policies around the call do. */
export interface BodyErrors {
  readonly reader: unknown
  readonly shield: unknown
}

/**
 * A body whose end somebody waits for. What comes from the dependency goes on to the reader; `finished` settles when
 * the body has been read to its end, when its reader cancels it, when it breaks off, or when it is cut.
 */
export class BodyStream {
  readonly stream: ReadableStream<Uint8Array>
  /** Rejects when the body broke off or was cut. */
  readonly finished: Promise<void>
  readonly #source: ReadableStreamDefaultReader<Uint8Array>
  readonly #broken: (cause: unknown) => BodyErrors
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  #over = false
  #awaitsSource = false
  #resolve: () => void = () => {}
  #reject: (error: unknown) => void = () => {}

  /**
   * @param source what is still to come
   * @param broken makes the errors when the source breaks off
   * @param prefix what has been read already, and comes first
   */
  constructor(
    source: ReadableStreamDefaultReader<Uint8Array>,
    broken: (cause: unknown) => BodyErrors,
    prefix: readonly Uint8Array[] = [],
  ) {
    this.#source = source
    this.#broken = broken
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
      // A chunk that is no bytes comes from a `fetch` that is not the runtime's; its reader will say so.
      { highWaterMark: READ_AHEAD_BYTES, size: (chunk) => chunk?.byteLength ?? 1 },
    )
  }

  /** Whether the next step is the reader's: all that was read ahead still waits for it. */
  get waitsForReader(): boolean {
    return !this.#over && !this.#awaitsSource
  }

  /** Cuts the body. Nothing happens to one that is over. */
  cut(reader: unknown, shield: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#controller?.error(reader)
    discard(this.#source)
    this.#reject(shield)
  }

  async #pull(): Promise<void> {
    this.#awaitsSource = true
    try {
      const { done, value } = await this.#source.read()
      this.#awaitsSource = false
      if (this.#over) return
      if (done) {
        this.#over = true
        this.#controller?.close()
        this.#resolve()
        return
      }
      this.#controller?.enqueue(value)
    } catch (error) {
      this.#awaitsSource = false
      if (this.#over) return
      const { reader, shield } = this.#broken(error)
      this.cut(reader, shield)
    }
  }

  async #cancel(reason: unknown): Promise<void> {
    this.#over = true
    this.#resolve()
    await this.#source.cancel(reason)
  }
}
