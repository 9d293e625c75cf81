import type { Dispatcher } from 'undici'
import type { CancelTimer, Clock } from '../core/clock.ts'
import { ERROR_BODY_BYTES_MAX, parseErrorBody } from '../http/response/error-content.ts'
import type { CallerController, ResponseSource } from './caller-controller.ts'

/** The headers of a response, as undici's handlers receive them. */
export type ResponseHeaders = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2]

// How much of the rest of a body is read and dropped, and for how long, so that its connection can be used again. More
// than that costs more than a new connection.
const DUMP_BYTES_MAX = 131_072
const DUMP_MS_MAX = 1_000

/** The head of a response. */
interface ResponseHead {
  readonly statusCode: number
  readonly headers: ResponseHeaders
  readonly statusText: string | undefined
}

/**
 * A response with an unwanted status, which the caller receives if no further attempt follows.
 *
 * Its body is read ahead at once, up to 64 KiB. If another attempt follows, the rest is dumped, so that the connection
 * returns to the pool.
 */
export class HeldResponse implements ResponseSource {
  readonly #head: ResponseHead
  readonly #rawHeaders: CallerController['rawHeaders']
  readonly #source: Dispatcher.DispatchController
  readonly #clock: Clock
  /** Runs once, when the body has ended or much of it was read. */
  readonly #onReady: () => void
  #chunks: Buffer[] = []
  #length = 0
  #ready = false
  #end: { readonly trailers: ResponseHeaders } | { readonly error: unknown } | undefined
  /** The caller's handler, once the response is passed on to it. */
  #target: { readonly handler: Dispatcher.DispatchHandler; readonly controller: CallerController } | undefined
  #flushing = false
  #dumping = false
  #cancelTimer: CancelTimer | undefined

  constructor(head: ResponseHead, source: Dispatcher.DispatchController, clock: Clock, onReady: () => void) {
    this.#head = head
    this.#rawHeaders = source?.rawHeaders ?? null
    this.#source = source
    this.#clock = clock
    this.#onReady = onReady
  }

  /** Why the body ended early; undefined if it did not. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#end !== undefined && 'error' in this.#end ? this.#end : undefined
  }

  push(chunk: Buffer): void {
    this.#length += chunk.byteLength
    if (this.#dumping) {
      if (this.#length > DUMP_BYTES_MAX) this.abort(undefined)
      return
    }
    this.#chunks.push(chunk)
    if (this.#target !== undefined) this.#flush()
    else if (this.#length >= ERROR_BODY_BYTES_MAX) {
      this.#source.pause()
      this.#becomeReady()
    }
  }

  end(trailers: ResponseHeaders): void {
    this.#finish({ trailers })
  }

  fail(error: unknown): void {
    this.#finish({ error })
  }

  /** Returns the body as far as it came, for an error. */
  parsed(): unknown {
    const type = this.#head.headers['content-type']
    const complete = this.#end !== undefined && 'trailers' in this.#end
    return parseErrorBody(Array.isArray(type) ? type.join() : (type ?? ''), this.#chunks, complete)
  }

  /** Drops the body: the caller receives another response, or an error. */
  dump(): void {
    if (this.#dumping || this.#target !== undefined) return
    this.#dumping = true
    this.#chunks = []
    if (this.#end !== undefined) return
    this.#length = 0
    this.#cancelTimer = this.#clock.setTimer(() => this.abort(undefined), DUMP_MS_MAX)
    this.#source.resume()
  }

  /** Passes the response on: what was read ahead, and the rest as it comes. */
  deliverTo(handler: Dispatcher.DispatchHandler, controller: CallerController): void {
    const { statusCode, headers, statusText } = this.#head
    this.#target = { handler, controller }
    controller.source = this
    controller.rawHeaders = this.#rawHeaders
    try {
      this.#flushing = true
      handler.onResponseStart?.(controller, statusCode, headers, statusText)
    } catch (error) {
      this.#breakOff(error)
    }
    this.#flushing = false
    this.#flush()
  }

  pause(): void {
    if (this.#end === undefined) this.#source.pause()
  }

  resume(): void {
    this.#flush()
  }

  abort(reason: unknown): void {
    this.#cancelTimer?.()
    if (this.#target !== undefined) this.#breakOff(reason)
    else if (this.#end === undefined) this.#source.abort(reason as Error)
  }

  #finish(end: { readonly trailers: ResponseHeaders } | { readonly error: unknown }): void {
    this.#cancelTimer?.()
    if (this.#end !== undefined) return
    this.#end = end
    this.#becomeReady()
    if (this.#target !== undefined) this.#flush()
  }

  #becomeReady(): void {
    if (this.#ready) return
    this.#ready = true
    this.#onReady()
  }

  #flush(): void {
    const target = this.#target
    if (target === undefined || this.#flushing) return
    const { handler, controller } = target
    this.#flushing = true
    try {
      while (!controller.paused && this.#target !== undefined) {
        const chunk = this.#chunks.shift()
        if (chunk === undefined) break
        handler.onResponseData?.(controller, chunk)
      }
    } catch (error) {
      this.#breakOff(error)
    }
    this.#flushing = false
    if (this.#target === undefined || controller.paused) return
    if (this.#end === undefined) {
      this.#source.resume()
      return
    }
    this.#target = undefined
    if ('trailers' in this.#end) handler.onResponseEnd?.(controller, this.#end.trailers)
    else handler.onResponseError?.(controller, this.#end.error as Error)
  }

  /** The handler threw, or aborted: it receives the error as undici would pass it. */
  #breakOff(error: unknown): void {
    const target = this.#target
    this.#target = undefined
    this.#chunks = []
    if (this.#end === undefined) this.#source.abort(error as Error)
    target?.handler.onResponseError?.(target.controller, error as Error)
  }
}
