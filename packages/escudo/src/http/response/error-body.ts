import type { Clock } from '../../core/clock.ts'
import { discard } from '../../core/engine/discard.ts'

const BYTES_MAX = 65_536
// The status is known. It must not wait long for a body that only explains it.
const WAIT_MS_MAX = 1_000

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
    const cancelTimer = clock?.setTimer(stop, WAIT_MS_MAX)
    try {
      await this.#readAll(reader)
    } finally {
      cancelTimer?.()
      if (!this.#complete) stop()
    }
  }

  parsed(): unknown {
    const type = this.#response.headers.get('content-type') ?? ''
    const json = /^[^;]*[/+]json\b/i.test(type)
    if (!json && !/^text\//i.test(type)) return undefined
    const isLonger = this.#length > BYTES_MAX
    if (json && isLonger) return undefined
    // `stream` leaves out a character of which the bound has kept only a part.
    const text = new TextDecoder().decode(this.#bytes(), { stream: isLonger })
    if (!json || !this.#complete) return text
    try {
      return JSON.parse(text)
    } catch {
      return text
    }
  }

  async #readAll(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    while (this.#length <= BYTES_MAX) {
      const { done, value } = await reader.read()
      if (done) {
        this.#complete = !this.#stopped
        return
      }
      this.#chunks.push(value)
      this.#length += value.byteLength
    }
  }

  #bytes(): Uint8Array {
    const bytes = new Uint8Array(Math.min(this.#length, BYTES_MAX))
    let offset = 0
    for (const chunk of this.#chunks) {
      bytes.set(chunk.subarray(0, bytes.length - offset), offset)
      offset += chunk.byteLength
    }
    return bytes
  }
}
