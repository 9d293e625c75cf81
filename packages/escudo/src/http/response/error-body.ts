import type { Clock } from '../../core/clock.ts'
import { discard } from '../../core/engine/discard.ts'
import { ERROR_BODY_BYTES_MAX, ERROR_BODY_WAIT_MS_MAX, parseErrorBody } from './error-content.ts'

/**
 * Reads the body of a response with an unwanted status: parsed JSON or text, for an error. Cancels the rest of it.
 *
 * Text and invalid JSON that ends early stay as far as they came. Undefined for any other content type, and for JSON
 * longer than 64 KiB.
 */
export class ErrorBody {
  readonly #response: Response
  readonly #chunks: Uint8Array[] = []
  #length = 0
  #complete = false
  #stopped = false

  constructor(response: Response) {
    this.#response = response
  }

  /**
   * Reads up to 64 KiB. Rejects if the body ends early.
   *
   * @param clock bounds the wait; undefined if the call has a deadline, which bounds it too
   */
  async read(clock: Clock | undefined): Promise<void> {
    const reader = this.#response.body?.getReader()
    if (reader === undefined) return
    // Ends a pending read like the end of the body does.
    const stop = (): void => {
      this.#stopped = true
      discard(reader)
    }
    const cancelTimer = clock?.setTimer(stop, ERROR_BODY_WAIT_MS_MAX)
    try {
      await this.#readAll(reader)
    } finally {
      cancelTimer?.()
      if (!this.#complete) stop()
    }
  }

  parsed(): unknown {
    const type = this.#response.headers.get('content-type') ?? ''
    return parseErrorBody(type, this.#chunks, this.#complete)
  }

  async #readAll(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    while (this.#length <= ERROR_BODY_BYTES_MAX) {
      const { done, value } = await reader.read()
      if (done) {
        this.#complete = !this.#stopped
        return
      }
      this.#chunks.push(value)
      this.#length += value.byteLength
    }
  }
}
