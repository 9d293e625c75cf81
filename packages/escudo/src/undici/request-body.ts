import { discard } from '../core/engine/discard.ts'
import { BodyNotReplayableError } from '../http/request/body-not-replayable-error.ts'
import type { UpstreamTarget } from '../http/upstream-target.ts'

/** The failure of a body while it was read. */
interface BodyFailure {
  readonly error: unknown
}

/** The body of a request that can be read only once: a stream or an iterable. */
export class SingleUseBody {
  readonly #body: object
  #taken = false
  #failure: BodyFailure | undefined

  constructor(body: object) {
    this.#body = body
  }

  /** Whether an attempt has taken the body. */
  get taken(): boolean {
    return this.#taken
  }

  /** Returns the body for the first attempt. A Node stream stays as it is: undici knows its length. */
  take(): unknown {
    this.#taken = true
    return isNodeStream(this.#body) ? this.#body : this.#watched()
  }

  /** Makes the error of an attempt that would need the body again. */
  notReplayable(target: UpstreamTarget, lastError: unknown): BodyNotReplayableError {
    const problem = 'cannot be retried: its body is a stream, which can be read only once; send a string or bytes'
    return new BodyNotReplayableError(target, problem, lastError)
  }

  /** Makes the error of a body that failed itself; undefined if it did not. The dependency has nothing to do with it. */
  failed(target: UpstreamTarget): BodyNotReplayableError | undefined {
    const error = isNodeStream(this.#body) ? this.#body.errored : this.#failure?.error
    if (error === undefined || error === null) return undefined
    const problem = 'cannot be sent: its body is a stream that failed while it was read'
    return new BodyNotReplayableError(target, problem, error)
  }

  /** Cancels a body that no attempt has taken. */
  release(): void {
    if (this.#taken) return
    this.#taken = true
    discard(this.#body)
  }

  async *#watched(): AsyncGenerator<unknown> {
    try {
      yield* this.#body as AsyncIterable<unknown>
    } catch (error) {
      this.#failure = { error }
      throw error
    }
  }
}

/** Returns the body if it can be read only once; undefined for one that every attempt can send. */
export function singleUseBody(body: unknown): SingleUseBody | undefined {
  if (typeof body !== 'object' || body === null || body instanceof Uint8Array) return undefined
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body) || body instanceof Blob || Array.isArray(body)) {
    return undefined
  }
  const isForm = (body as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === 'FormData'
  return isForm ? undefined : new SingleUseBody(body)
}

interface NodeStream {
  readonly errored?: unknown
}

function isNodeStream(body: object): body is NodeStream {
  const { pipe, on } = body as { readonly pipe?: unknown; readonly on?: unknown }
  return typeof pipe === 'function' && typeof on === 'function'
}
