import { discard } from '../../core/engine/discard.ts'

// How much is read ahead. A body that fits ends its attempt without a reader; a larger body waits for its reader.
const READ_AHEAD_BYTES = 65_536

/** The errors of a body that ended early: one for its reader, one for the policies around the call. */
export interface BodyErrors {
  readonly reader: unknown
  readonly shield: unknown
}

/** Knows the call that a body belongs to. */
export interface BodyOwner {
  /** Whether the policies have the outcome of the call. */
  readonly ended: boolean
  /** Makes the errors of a body that ended early. */
  bodyErrors(cause: unknown): BodyErrors
}

/** A response body whose end is reported. */
export interface ResponseBody {
  /** Rejects with the shield's error if the body ended early or was failed. */
  readonly finished: Promise<unknown>
  /** Whether the read-ahead buffer is full and the stream waits for its reader. */
  readonly waitsForReader: boolean
  /** Ends the body with an error for its reader and one for the shield. Has no effect on a body that has ended. */
  fail(errors: BodyErrors): void
}

/**
 * How many microtasks a reader waits at most for the policies to have the outcome: a caller that sends its next request
 * as soon as it has the body, or its error, must find the permit free. Bounded, because a custom policy may go on for longer.
 */
export const TURNS_MAX = 16

type Controller = ReadableByteStreamController | ReadableStreamDefaultController<Uint8Array>

/**
 * Passes a response body to its reader and reports when it ends.
 *
 * `finished` settles when the body was read to its end, when the reader cancels it, when it ends early, or on `fail()`.
 */
export class BodyStream implements ResponseBody {
  readonly stream: ReadableStream<Uint8Array>
  readonly finished: Promise<void>
  readonly source: ReadableStreamDefaultReader<Uint8Array>
  readonly #owner: BodyOwner
  #controller: Controller | undefined
  #ended = false
  #awaitsSource = false
  #resolve: () => void = () => {}
  #reject: (error: unknown) => void = () => {}
  #onPause: (() => void) | undefined

  constructor(body: ReadableStream<Uint8Array>, owner: BodyOwner) {
    const bytes = isByteStream(body)
    this.source = body.getReader()
    this.#owner = owner
    this.finished = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const source = {
      start: (controller: Controller): void => {
        this.#controller = controller
      },
      pull: (): Promise<void> => this.#pull(),
      cancel: (reason: unknown): Promise<void> => this.#cancel(reason),
    }
    // A byte stream takes over the memory of its chunks, which only the chunks of another byte stream allow. A custom
    // `fetch` may have any stream, even one whose chunks are not bytes: they pass, and the reader rejects them.
    this.stream = bytes
      ? (new ReadableStream({ ...source, type: 'bytes' }, { highWaterMark: READ_AHEAD_BYTES }) as ReadableStream)
      : new ReadableStream<Uint8Array>(source, {
          highWaterMark: READ_AHEAD_BYTES,
          size: (chunk) => chunk?.byteLength ?? 1,
        })
  }

  get ended(): boolean {
    return this.#ended
  }

  get waitsForReader(): boolean {
    return !this.#ended && !this.#awaitsSource
  }

  /** Resolves when the body has ended or the read-ahead buffer is full. Never rejects. */
  readAhead(): Promise<void> {
    return new Promise((resolve) => {
      this.#onPause = resolve
      this.finished.then(resolve, resolve)
    })
  }

  fail(errors: BodyErrors): void {
    if (this.#ended) return
    this.#ended = true
    discard(this.source)
    this.#reject(errors.shield)
    this.#failReader(errors.reader)
  }

  async #failReader(error: unknown): Promise<void> {
    // After a timeout the policies have the outcome before the attempt has ended, so the reader waits all turns.
    if (!this.#owner.ended) for (let turn = 0; turn < TURNS_MAX; turn += 1) await undefined
    this.#controller?.error(error)
  }

  async #pull(): Promise<void> {
    this.#awaitsSource = true
    try {
      const { done, value } = await this.source.read()
      this.#awaitsSource = false
      if (this.#ended) return
      if (done) {
        this.#ended = true
        this.#resolve()
        for (let turn = 0; turn < TURNS_MAX && !this.#owner.ended; turn += 1) await undefined
        this.#close()
        return
      }
      this.#controller?.enqueue(value as Uint8Array<ArrayBuffer>)
      if ((this.#controller?.desiredSize ?? 0) <= 0) this.#onPause?.()
    } catch (error) {
      this.#awaitsSource = false
      if (this.#ended) return
      this.fail(this.#owner.bodyErrors(error))
    }
  }

  #close(): void {
    const controller = this.#controller
    controller?.close()
    // A reader that brought its own buffer waits until the buffer is given back.
    if (controller !== undefined && 'byobRequest' in controller) controller.byobRequest?.respond(0)
  }

  async #cancel(reason: unknown): Promise<void> {
    this.#ended = true
    this.#resolve()
    await this.source.cancel(reason)
  }
}

/** Whether the stream has readers with `mode: 'byob'`. No property tells. */
function isByteStream(body: ReadableStream): boolean {
  try {
    body.getReader({ mode: 'byob' }).releaseLock()
    return true
  } catch {
    return false
  }
}
