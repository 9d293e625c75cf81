import type { AttemptSpan } from '../core/context/tracer.ts'
import { type Call, scopeOf } from '../core/engine/call.ts'
import type { Cancellation } from '../core/engine/cancel-scope.ts'
import { discard } from '../core/engine/discard.ts'
import { answered, declareIdempotency } from '../core/idempotency.ts'
import type { Operation } from '../core/operation.ts'
import { retryAfterMs } from '../errors/body/retry-after.ts'
import { Attempt, type CallOfAttempt } from './attempt.ts'
import { AttemptTelemetry } from './attempt-telemetry.ts'
import { amendTimeout, bodyError, errorForCaller, fetchError, statusError } from './call-errors.ts'
import type { ClientSettings } from './client-settings.ts'
import type { ResponseShield } from './options.ts'
import { checkInTime } from './request/in-time.ts'
import type { AttemptRequest, OutgoingRequest } from './request/outgoing-request.ts'
import { hasHeader, setHeader } from './request/plain-headers.ts'
import { fetchConfined } from './request/redirects.ts'
import { traceparentOf } from './request/span-header.ts'
import type { BodyErrors, BodyOwner, ResponseBody } from './response/body-stream.ts'
import { ErrorBody } from './response/error-body.ts'
import { FailedResponse } from './response/failed-response.ts'
import { isFailure } from './response/status.ts'
import { type Delivered, deliver } from './response/watched-response.ts'
import type { UpstreamError } from './upstream-error.ts'

/**
 * Runs one call of a resilient `fetch`: all its attempts, and the body of the successful one.
 *
 * Two promises settle at different times. The caller's promise settles when the headers of a good response arrive. The
 * shield's operation settles when the body has ended, so that timeout, bulkhead and circuit breaker cover the body too.
 */
export class FetchCall implements CallOfAttempt, BodyOwner {
  // Declared here and assigned in the constructor: see Watcher.
  /** Whether the shield has ended the call. */
  declare ended: boolean
  declare private readonly request: OutgoingRequest
  declare private readonly settings: ClientSettings
  /** Failed responses by their error: the caller receives the one whose error ends the call. */
  declare private failedResponses: Map<unknown, FailedResponse> | undefined
  declare private resolve: (response: Response) => void
  declare private reject: (error: unknown) => void
  /** The response that the caller has received. Once set, no request is sent. */
  declare private delivered: Delivered | undefined
  /** The running attempt of a request that is not idempotent. A concurrent attempt shares it. */
  declare private sharedAttempt: Promise<Response> | undefined
  declare private lastError: unknown

  constructor(request: OutgoingRequest, settings: ClientSettings) {
    this.ended = false
    this.request = request
    this.settings = settings
    this.failedResponses = undefined
    this.delivered = undefined
    this.sharedAttempt = undefined
    this.lastError = undefined
  }

  run(shield: ResponseShield): Promise<Response> {
    const { signal, idempotency } = this.request
    const operation: Operation<Response> = (call) => this.#attempt(call)
    declareIdempotency(operation, idempotency)
    return new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
      shield.run(operation, signal === undefined ? undefined : { signal }).then(
        (response) => this.#succeed(response),
        (error) => this.#fail(error),
      )
    })
  }

  /** The operation that the shield runs. */
  #attempt(call: Call): Response | Promise<Response> {
    // A late hedge, or a retry by a custom policy: the caller already has its response.
    if (this.delivered !== undefined) return this.delivered.whenRead
    if (this.request.idempotent) return this.#send(call)
    // Two concurrent requests could create two orders, so a second attempt shares the running one.
    this.sharedAttempt ??= this.#sendAlone(call)
    return this.sharedAttempt
  }

  async #sendAlone(call: Call): Promise<Response> {
    try {
      return await this.#send(call)
    } finally {
      this.sharedAttempt = undefined
    }
  }

  async #send(call: Call): Promise<Response> {
    // A new attempt replaces the failed responses of the earlier ones.
    if (call.attempt > 1) this.#discardFailedResponses()
    const attempt = new Attempt(this)
    const scope = scopeOf(call)
    attempt.watch(scope)
    try {
      const prepared = this.request.forAttempt(call, this.lastError, attempt)
      const request = prepared instanceof Promise ? await prepared : prepared
      try {
        checkInTime(call, this.settings.name)
      } catch (error) {
        this.request.abandonBody(attempt.upload, error)
        throw error
      }
      const telemetry = AttemptTelemetry.start(this.request, call)
      attempt.telemetry = telemetry
      let response: Response
      try {
        response = await (telemetry?.span === undefined
          ? this.#fetch(request)
          : this.#fetchInside(telemetry.span, request))
      } catch (error) {
        attempt.upload?.cancel(error)
        if (scope?.cancellation !== undefined) throw scope.cancellation.reason
        throw this.request.bodyFailure(attempt.upload) ?? fetchError(this.request, error)
      }
      // A `fetch` that ignores its signal may return after the cancellation.
      if (scope?.cancellation !== undefined || this.ended) {
        discard(response)
        attempt.upload?.cancel(undefined)
        throw scope?.cancellation?.reason ?? new Error('the call has ended')
      }
      const { status } = response
      attempt.telemetry?.answered(status)
      const unwanted = isFailure(status) || (this.settings.throws && status >= 400)
      if (unwanted) throw await this.#failureOf(call, response)
      return await this.#deliver(call, attempt, response)
    } catch (error) {
      this.lastError = error
      if (scope?.cancellation === undefined) attempt.telemetry?.failed(error)
      else attempt.telemetry?.cancelled(scope.cancellation)
      throw error
    } finally {
      attempt.unwatch()
      attempt.telemetry?.end()
    }
  }

  #fetch({ input, init, confined }: AttemptRequest): Promise<Response> {
    const { fetch, propagation } = this.settings
    return confined ? fetchConfined(fetch, input, init, propagation.isOwn) : fetch(input, init)
  }

  #fetchInside(span: AttemptSpan, request: AttemptRequest): Promise<Response> {
    const traceparent = traceparentOf(span, hasHeader(this.request.headers, 'traceparent'), this.settings.propagation)
    if (traceparent !== undefined) setHeader(request.init.headers, 'traceparent', traceparent)
    return span.run(() => this.#fetch(request))
  }

  /** Returns the error of a response with an unwanted status. */
  async #failureOf(call: Call, response: Response): Promise<unknown> {
    if (this.settings.throws) return await this.#readError(call, response)
    const { status } = response
    const failed = new FailedResponse(response, (cause) => bodyError(this.request, status, cause))
    // Without a deadline nothing would end the wait for a body that stalls.
    if (call.deadline !== undefined) await failed.readAhead()
    const cancellation = scopeOf(call)?.cancellation
    if (cancellation !== undefined) {
      failed.discard()
      return cancellation.reason
    }
    const error = this.#statusError(response, undefined)
    if (this.ended) failed.discard()
    else {
      this.failedResponses ??= new Map()
      this.failedResponses.set(error, failed)
    }
    return error
  }

  /** Reads the body into the error: with `errors: 'throw'`, no caller receives the response. */
  async #readError(call: Call, response: Response): Promise<unknown> {
    const body = new ErrorBody(response)
    try {
      await body.read(call.deadline === undefined ? call.clock : undefined)
    } catch (error) {
      const cancellation = scopeOf(call)?.cancellation
      if (cancellation !== undefined) return cancellation.reason
      // A status that is a failure explains more than the broken body.
      if (!isFailure(response.status)) return bodyError(this.request, response.status, error)
    }
    return this.#statusError(response, body.parsed())
  }

  #statusError({ status, headers }: Response, body: unknown): UpstreamError {
    return statusError(this.request, { status, retryAfterMs: retryAfterMs(headers, Date.now()), body })
  }

  /** Resolves the caller's promise, and settles when the body has ended. */
  #deliver(call: Call, attempt: Attempt, response: Response): Response | Promise<Response> {
    if (this.delivered !== undefined) {
      // A concurrent attempt was faster.
      discard(response)
      return this.delivered.whenRead
    }
    this.delivered = deliver(response, this)
    attempt.body = this.delivered.body
    this.resolve(this.delivered.response)
    // The body may take long. The headers are the answer: no hedge is needed after them.
    if (attempt.body !== undefined) answered(call)
    return this.delivered.whenRead
  }

  /** Makes the errors of the delivered body. */
  bodyErrors(cause: unknown): BodyErrors {
    const status = this.delivered?.response.status ?? 0
    return {
      // The reader may make a new call after this error. This call must not be retried: the caller has its response.
      reader: bodyError(this.request, status, cause),
      shield: bodyError(this.request, status, cause, 'never'),
    }
  }

  cancelled({ by, reason }: Cancellation, body: ResponseBody | undefined): void {
    if (by === 'escudo') {
      const waitsForReader = body?.waitsForReader === true
      amendTimeout(this.request, reason, { delivered: this.delivered !== undefined, waitsForReader })
    }
    body?.fail({ reader: errorForCaller(this.request, reason), shield: reason })
  }

  // Neither of these may throw: it would be an unhandled rejection, and the caller would wait without end.
  #succeed(response: Response): void {
    try {
      this.#end(undefined)
      if (this.delivered !== undefined) return
      // No attempt of this call delivered a response: this one comes from a fallback, or from a cache or coalesce, which
      // passes on the response of another call after its body was read.
      if (response?.bodyUsed) {
        throw new TypeError(
          "the shield returned a Response whose body was already read: put cache and coalesce around the code that reads the response, not into resilientFetch's shield",
        )
      }
      this.resolve(response)
    } catch (thrown) {
      this.reject(thrown)
    }
  }

  #fail(error: unknown): void {
    try {
      const failed = this.failedResponses?.get(error)
      this.failedResponses?.delete(error)
      this.#end(error)
      if (this.delivered !== undefined) {
        // After a cancellation the body has ended already. A custom policy may reject without a cancellation.
        this.delivered.body?.fail({ reader: errorForCaller(this.request, error), shield: error })
      } else if (failed !== undefined) {
        this.resolve(failed.toResponse(this.request.signal))
      } else {
        this.reject(errorForCaller(this.request, error))
      }
    } catch (thrown) {
      this.reject(thrown)
    }
  }

  #end(error: unknown): void {
    this.ended = true
    this.request.releaseBody(error)
    this.#discardFailedResponses()
  }

  #discardFailedResponses(): void {
    if (this.failedResponses === undefined) return
    for (const failed of this.failedResponses.values()) failed.discard()
    this.failedResponses.clear()
  }
}
