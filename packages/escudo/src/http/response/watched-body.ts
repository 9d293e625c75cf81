import { type BodyErrors, type BodyOwner, BodyStream, type ResponseBody, TURNS_MAX } from './body-stream.ts'
import { withBody } from './response-copy.ts'
import { onStreamEnd } from './stream-end.ts'

interface Copy {
  readonly body: BodyStream
  readonly response: Response
}

/**
 * The body of a delivered response. Its reader takes it as a whole from the response itself, or as a stream from a copy.
 *
 * A second stream and a second Response cost as much as the policies, the headers and the timers of a call together, so
 * they are made only for a reader that needs them.
 */
export class WatchedBody implements ResponseBody {
  // Declared here and assigned in the constructor: see Watcher.
  declare readonly finished: Promise<Response>
  declare private readonly response: Response
  declare private readonly source: ReadableStream<Uint8Array>
  declare private readonly owner: BodyOwner
  declare private resolve: (response: Response) => void
  declare private reject: (error: unknown) => void
  declare private reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  declare private failure: BodyErrors | undefined
  declare private copy: Copy | undefined
  declare private ended: boolean

  constructor(response: Response, source: ReadableStream<Uint8Array>, owner: BodyOwner) {
    this.response = response
    this.source = source
    this.owner = owner
    this.reader = undefined
    this.failure = undefined
    this.copy = undefined
    this.ended = false
    this.finished = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  get waitsForReader(): boolean {
    return this.copy?.body.waitsForReader ?? false
  }

  /** Whether no reader has taken the body yet. */
  get unread(): boolean {
    return this.reader === undefined && this.copy === undefined && !this.ended && !this.source.locked
  }

  /** Reads the body as a whole and decodes it. Only for a body that is unread. */
  async read<T>(decode: (chunks: readonly Uint8Array[]) => T): Promise<T> {
    const reader = this.source.getReader()
    this.reader = reader
    const chunks: Uint8Array[] = []
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        chunks.push(value)
      }
    } catch (error) {
      // No effect after a cancellation.
      this.fail(this.owner.bodyErrors(error))
    }
    const { failure } = this
    if (failure === undefined) {
      this.ended = true
      this.resolve(this.response)
    }
    // After a timeout the policies have the outcome before the attempt has ended.
    for (let turn = 0; turn < TURNS_MAX && (failure !== undefined || !this.owner.ended); turn += 1) await undefined
    if (failure !== undefined) throw failure.reader
    return decode(chunks)
  }

  /** Returns a copy of the response with a second stream. Only for a body that is unread, or was copied before. */
  copied(): Copy {
    if (this.copy === undefined) {
      const body = new BodyStream(this.source, this.owner)
      body.finished.then(() => this.resolve(this.response), this.reject)
      this.copy = { body, response: withBody(this.response, body.stream) }
    }
    return this.copy
  }

  get hasCopy(): boolean {
    return this.copy !== undefined
  }

  /** Whether other code reads the stream of the response past its methods. */
  get isTaken(): boolean {
    return this.source.locked && this.reader === undefined && this.copy === undefined
  }

  /** Ends with the stream of the response. Only for a body that other code reads. */
  follow(): void {
    onStreamEnd(this.source, (error) => {
      if (this.ended) return
      if (error !== undefined) this.fail(this.owner.bodyErrors(error))
      else {
        this.ended = true
        this.resolve(this.response)
      }
    })
  }

  fail(errors: BodyErrors): void {
    if (this.ended) return
    if (this.copy !== undefined || this.unread) {
      this.copied().body.fail(errors)
      return
    }
    this.ended = true
    this.failure = errors
    // Other code that reads the body gets the error of `fetch`.
    this.reader?.cancel(errors.reader).catch(() => {})
    this.reject(errors.shield)
  }
}
