import { type BodyErrors, BodyStream } from './body-stream.ts'
import { discard, withBody } from './response-copy.ts'

// Failed answers are short. What is longer than this is left where it is, unless somebody wants the response.
const READ_MAX_BYTES = 65_536

/**
 * A response with an unwanted status. Its body is read at once, up to a bound: the connection returns to the pool, and
 * the response can still be given to the caller, whole, when no further attempt comes.
 */
export class FailedResponse {
  readonly #response: Response
  readonly #chunks: Uint8Array[] = []
  /** Where the body goes on, or broke off; undefined when all of it has been read. */
  #rest: ReadableStreamDefaultReader<Uint8Array> | undefined
  #discarded = false

  constructor(response: Response) {
    this.#response = response
  }

  get status(): number {
    return this.#response.status
  }

  /** Reads the body to its end or to the bound. Rejects when it breaks off. */
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

  /** The body parsed: a value when it is JSON, else text; undefined for what is neither, or too long to be parsed. */
  parsed(): unknown {
    const type = this.#response.headers.get('content-type') ?? ''
    const json = /^[^;]*[/+]json\b/i.test(type)
    if (!json && !/^text\//i.test(type)) return undefined
    const text = new TextDecoder().decode(joined(this.#chunks))
    if (!json) return text
    if (this.#rest !== undefined) return undefined
    try {
      return JSON.parse(text)
    } catch {
      return text
    }
  }

  /** Gives up what has not been read. */
  discard(): void {
    this.#discarded = true
    if (this.#rest !== undefined) discard(this.#rest)
  }

  /**
   * The response for its caller, with its whole body.
   *
   * @param signal the caller's own: the attempt, and with it every timeout, is over
   * @param broken makes what the reader sees when the rest of a long body breaks off
   */
  release(signal: AbortSignal | undefined, broken: (cause: unknown) => unknown): Response {
    if (this.#response.body == null) return this.#response
    if (this.#rest === undefined) return withBody(this.#response, joined(this.#chunks))
    const errors = (cause: unknown): BodyErrors => {
      const error = broken(cause)
      return { reader: error, shield: error }
    }
    const body = new BodyStream(this.#rest, errors, this.#chunks)
    const give = (): void => body.cut(signal?.reason, signal?.reason)
    signal?.addEventListener('abort', give)
    if (signal?.aborted) give()
    else if (this.#discarded) {
      const error = broken(new Error('the body was given up for another attempt'))
      body.cut(error, error)
    }
    const leave = (): void => signal?.removeEventListener('abort', give)
    body.finished.then(leave, leave)
    return withBody(this.#response, body.stream)
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.byteLength, 0))
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}
