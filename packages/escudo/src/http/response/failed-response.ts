import { discard } from '../../core/engine/discard.ts'
import { type BodyErrors, type BodyOwner, BodyStream } from './body-stream.ts'
import { withBody } from './response-copy.ts'
import { releaseUnread } from './unread-body.ts'

/**
 * A response with an unwanted status, which the caller receives if no further attempt follows.
 *
 * Its body is read ahead at once, so that the connection of a short body returns to the pool. The status is an answer
 * without the body: only a call with a deadline waits for the body, so that its timeouts cover the body too.
 */
export class FailedResponse implements BodyOwner {
  /** The policies do not wait for this body. */
  readonly ended = true
  readonly #response: Response
  readonly #body: BodyStream | undefined
  readonly #errorOf: (cause: unknown) => unknown

  /** @param errorOf makes the reader's error if the body ends early */
  constructor(response: Response, errorOf: (cause: unknown) => unknown) {
    this.#response = response
    this.#errorOf = errorOf
    if (response.body == null) return
    this.#body = new BodyStream(response.body, this)
    // The reader receives the error. No policy waits for this body.
    this.#body.finished.catch(() => {})
  }

  bodyErrors(cause: unknown): BodyErrors {
    const error = this.#errorOf(cause)
    return { reader: error, shield: error }
  }

  /** Waits until the body has ended or much of it was read. Never rejects. */
  async readAhead(): Promise<void> {
    await this.#body?.readAhead()
  }

  /** Cancels the rest of the body: the caller receives another response. */
  discard(): void {
    if (this.#body?.ended === false) discard(this.#body.stream)
  }

  /**
   * Returns the response for the caller.
   *
   * @param signal the caller's signal; the attempt and its timeouts have ended and no longer cover the body
   */
  toResponse(signal: AbortSignal | undefined): Response {
    const body = this.#body
    if (body === undefined) return this.#response
    if (!body.ended) releaseUnread(body, signal)
    return withBody(this.#response, body.stream)
  }
}
