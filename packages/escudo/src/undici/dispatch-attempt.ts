import type { Dispatcher } from 'undici'
import { type Call, scopeOf } from '../core/engine/call.ts'
import { type Cancellation, type CancelScope, Watcher } from '../core/engine/cancel-scope.ts'
import { answered } from '../core/idempotency.ts'
import { AttemptTelemetry } from '../http/attempt-telemetry.ts'
import { amendTimeout, bodyError } from '../http/call-errors.ts'
import { checkInTime } from '../http/request/in-time.ts'
import { ERROR_BODY_WAIT_MS_MAX } from '../http/response/error-content.ts'
import { isFailure } from '../http/response/status.ts'
import { attemptError, responseError } from './attempt-errors.ts'
import type { AttemptOwner, Winner } from './attempt-owner.ts'
import { HeldResponse, type ResponseHeaders } from './held-response.ts'
import { StreamedAnswer } from './streamed-answer.ts'

/**
 * The state of an attempt and of its response.
 *
 * - `sent`: there is none yet.
 * - `passing`: it is passed on to the caller's handler.
 * - `held`: its status is unwanted.
 * - `released`: its reader has ended it. The handler still receives undici's error.
 * - `over`: nothing of it reaches the handler any more.
 */
type State = 'sent' | 'passing' | 'held' | 'released' | 'over'

/** One attempt of a call: undici's handler of its request. */
export class DispatchAttempt extends Watcher implements Dispatcher.DispatchHandler, Winner {
  // Declared here and assigned in the constructor: see Watcher.
  declare readonly settled: Promise<StreamedAnswer>
  declare private readonly owner: AttemptOwner
  declare private readonly call: Call
  declare private readonly scope: CancelScope | undefined
  declare private telemetry: AttemptTelemetry | undefined
  declare private source: Dispatcher.DispatchController | undefined
  declare private state: State
  declare private status: number
  declare private headers: ResponseHeaders
  declare private held: HeldResponse | undefined
  declare private cancelTimer: (() => void) | undefined
  declare private abortReason: unknown
  /** Set if the caller's handler threw: undici then aborts the response with that error. */
  declare private thrown: { readonly error: unknown } | undefined
  declare private resolve: (answer: StreamedAnswer | Promise<StreamedAnswer>) => void
  declare private reject: (error: unknown) => void

  constructor(owner: AttemptOwner, call: Call) {
    super()
    this.owner = owner
    this.call = call
    this.scope = scopeOf(call)
    this.telemetry = undefined
    this.source = undefined
    this.state = 'sent'
    this.status = 0
    this.held = undefined
    this.cancelTimer = undefined
    this.abortReason = undefined
    this.thrown = undefined
    this.settled = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  /** Sends the request. */
  start(): Promise<StreamedAnswer> {
    const { request } = this.owner
    this.watch(this.scope)
    try {
      checkInTime(this.call, request.client.settings.name)
      const options = request.forAttempt(this.call, this.owner.lastError)
      this.telemetry = AttemptTelemetry.start(request, this.call)
      request.dispatch(options, this, this.telemetry?.span)
    } catch (error) {
      this.#fail(attemptError(this.owner.request, error))
    }
    return this.settled
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: { history?: unknown } | null | undefined): void {
    this.source = controller
    if (this.state === 'over') {
      controller.abort(this.abortReason as Error)
      return
    }
    if (context == null) return
    // Only a dispatcher that follows redirects keeps a history of them.
    if (context.history !== undefined) this.owner.request.client.followsRedirects = true
    Object.assign(this.owner.context, context)
  }

  onRequestSent(): void {
    this.#onNetwork()
    this.owner.handler.onRequestSent?.()
  }

  onBodySent(chunk: Buffer): void {
    this.owner.handler.onBodySent?.(chunk)
  }

  onResponseStarted(): void {
    this.#onNetwork()
    this.owner.handler.onResponseStarted?.()
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: ResponseHeaders,
    statusText?: string,
  ): void {
    const { owner } = this
    // A custom policy has answered without cancelling this attempt.
    if (owner.ended && this.state === 'sent') this.#abandon(new Error('the call has ended'))
    if (this.state !== 'sent') return
    if (statusCode < 200) {
      if (owner.winner === undefined) owner.handler.onResponseStart?.(owner.controller, statusCode, headers, statusText)
      return
    }
    this.source = controller
    this.status = statusCode
    this.headers = headers
    this.telemetry?.answered(statusCode)
    if (isFailure(statusCode) || (owner.request.client.settings.throws && statusCode >= 400)) {
      this.#hold(controller, statusText)
    } else if (owner.winner === undefined) this.#pass(controller, statusText)
    else {
      // A concurrent attempt was faster.
      this.state = 'over'
      controller.abort(undefined as unknown as Error)
      this.resolve(owner.winner.settled)
      this.#end()
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.state === 'passing') {
      const { handler, controller } = this.owner
      try {
        handler.onResponseData?.(controller, chunk)
      } catch (error) {
        this.#rethrow(error)
      }
    } else this.held?.push(chunk)
  }

  onResponseEnd(controller: Dispatcher.DispatchController, trailers: ResponseHeaders): void {
    if (this.state === 'passing') {
      const { owner } = this
      this.#succeed()
      owner.controller.rawTrailers = controller?.rawTrailers ?? null
      owner.reportEnd(trailers)
    } else this.held?.end(trailers)
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: unknown): void {
    const { owner } = this
    if (this.state === 'sent') {
      const { signal } = owner.request
      // undici may know of the caller's abort before the shield does.
      if (signal?.aborted) queueMicrotask(() => this.#fail(signal.reason))
      else this.#fail(attemptError(this.owner.request, error))
    } else if (this.held !== undefined) {
      this.held.fail(bodyError(owner.request, this.status, error))
    } else if (this.state === 'released' || (this.state === 'passing' && this.thrown?.error === error)) {
      if (this.state === 'passing') this.#succeed()
      this.state = 'over'
      owner.reportError(error)
    } else if (this.state === 'passing' && owner.request.signal?.aborted !== true) {
      // The reader may make a new call after this error. This call must not be retried: the caller has its response.
      const readerError = bodyError(owner.request, this.status, error)
      this.#fail(bodyError(owner.request, this.status, error, 'never'))
      owner.reportError(readerError)
    }
  }

  /** Runs before the policies are notified of the cancellation, so that they read the amended facts. */
  override onCancel(cancellation: Cancellation): void {
    const { owner } = this
    const { by, reason } = cancellation
    const passing = this.state === 'passing'
    if (by === 'escudo') {
      amendTimeout(owner.request, reason, {
        delivered: owner.winner !== undefined,
        waitsForReader: passing && owner.controller.paused,
      })
    }
    this.telemetry?.cancelled(cancellation)
    this.#abandon(reason)
    if (passing) owner.failDelivered(reason)
  }

  release(reason: unknown): void {
    if (this.state !== 'passing') return
    this.#succeed()
    this.state = 'released'
    this.source?.abort(reason as Error)
  }

  breakOff(reason: unknown): boolean {
    if (this.state !== 'passing') return false
    this.#abandon(reason)
    return true
  }

  #pass(source: Dispatcher.DispatchController, statusText: string | undefined): void {
    const { owner } = this
    const { controller, handler } = owner
    this.state = 'passing'
    owner.winner = this
    controller.source = source
    controller.rawHeaders = source?.rawHeaders ?? null
    // The body may take long. The headers are the answer: no hedge is needed after them.
    answered(this.call)
    try {
      handler.onResponseStart?.(controller, this.status, this.headers, statusText)
    } catch (error) {
      this.#rethrow(error)
    }
  }

  #hold(source: Dispatcher.DispatchController, statusText: string | undefined): void {
    const { owner, call } = this
    this.state = 'held'
    const head = { statusCode: this.status, headers: this.headers, statusText }
    this.held = new HeldResponse(head, source, call.clock, () => this.#judge())
    if (call.deadline !== undefined) return
    // Without a deadline nothing would end the wait for a body that stalls.
    if (owner.request.client.settings.throws) {
      this.cancelTimer = call.clock.setTimer(() => this.#judge(), ERROR_BODY_WAIT_MS_MAX)
    } else this.#judge()
  }

  /** Makes the error of a response with an unwanted status, as soon as enough of its body was read. */
  #judge(): void {
    const { owner, held } = this
    if (this.state !== 'held' || held === undefined) return
    const { request } = owner
    const { throws } = request.client.settings
    this.state = 'over'
    const { failure } = held
    // A status that is a failure explains more than the broken body.
    if (throws && failure !== undefined && !isFailure(this.status)) {
      this.#fail(failure.error)
      return
    }
    const error = responseError(request, this.status, this.headers, throws ? held.parsed() : undefined)
    if (throws || owner.ended) held.dump()
    else owner.keepFailed(error, held)
    this.#fail(error)
  }

  /**
   * The request has reached the network, so a redirect handler would have shown itself by now. A cache answers before.
   * undici 7 reports only the start of the response.
   */
  #onNetwork(): void {
    this.owner.request.client.followsRedirects ??= false
  }

  /** The caller's handler threw: undici aborts the response with that error. */
  #rethrow(error: unknown): never {
    this.thrown = { error }
    throw error
  }

  #abandon(reason: unknown): void {
    this.state = 'over'
    this.abortReason = reason
    this.owner.lastError = reason
    this.source?.abort(reason as Error)
    this.reject(reason)
    this.#end()
  }

  #succeed(): void {
    this.state = 'over'
    this.resolve(new StreamedAnswer(this.owner, this.status, this.headers))
    this.#end()
  }

  #fail(error: unknown): void {
    this.state = 'over'
    this.owner.lastError = error
    this.telemetry?.failed(error)
    this.reject(error)
    this.#end()
  }

  #end(): void {
    this.cancelTimer?.()
    this.unwatch()
    this.telemetry?.end()
  }
}
