import { type Call, scopeOf } from '../core/engine/call.ts'
import type { Cancellation } from '../core/engine/cancel-scope.ts'
import { discard, keepOpen } from '../core/engine/discard.ts'
import { answered, declareIdempotency } from '../core/idempotency.ts'
import type { Operation } from '../core/operation.ts'
import { retryAfterMs } from '../errors/body/retry-after.ts'
import { Attempt } from './attempt.ts'
import { AttemptTelemetry } from './attempt-telemetry.ts'
import { amendTimeout, bodyError, errorForCaller, fetchError, statusError } from './call-errors.ts'
import type { ClientSettings } from './client-settings.ts'
import type { ResponseShield } from './options.ts'
import { checkInTime } from './request/in-time.ts'
import type { OutgoingRequest } from './request/outgoing-request.ts'
import { fetchConfined } from './request/redirects.ts'
import { BodyStream } from './response/body-stream.ts'
import { ErrorBody } from './response/error-body.ts'
import { FailedResponse } from './response/failed-response.ts'
import { withBody } from './response/response-copy.ts'
import { isFailure } from './response/status.ts'
import type { UpstreamError } from './upstream-error.ts'

/**
 * Runs one call of a resilient `fetch`: all its attempts, and the body of the successful one.
 *
 * Two promises settle at different times. The caller's promise settles when the headers of a good response arrive. The
 * shield's operation settles when the body has ended, so that timeout, bulkhead and circuit breaker cover the body too.
 */
export class FetchCall {
  readonly #request: OutgoingRequest
  readonly #settings: ClientSettings
  /** Failed responses by their error: the caller receives the one whose error ends the call. */
  readonly #failedResponses = new Map<unknown, FailedResponse>()
  #resolve: (response: Response) => void = () => {}
  #reject: (error: unknown) => void = () => {}
  /** Set when the caller receives its response; settles when the body ends. Once set, no request is sent. */
  #delivered: Promise<Response> | undefined
  /** The body of the delivered response. */
  #body: BodyStream | undefined
  /** The running attempt of a request that is not idempotent. A concurrent attempt shares it. */
  #sharedAttempt: Promise<Response> | undefined
  #lastError: unknown
  #ended = false

  constructor(request: OutgoingRequest, settings: ClientSettings) {
    this.#request = request
    this.#settings = settings
  }

  run(shield: ResponseShield): Promise<Response> {
    const operation: Operation<Response> = (call) => this.#attempt(call)
    declareIdempotency(operation, this.#request.idempotency)
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
      shield
        .run(operation, { signal: this.#request.signal })
        .then(
          (response) => this.#succeed(response),
          (error) => this.#fail(error),
        )
        .catch(reject)
    })
  }

  /** The operation that the shield runs. */
  async #attempt(call: Call): Promise<Response> {
    // A late hedge, or a retry by a custom policy: the caller already has its response.
    if (this.#delivered !== undefined) return await this.#delivered
    if (this.#request.idempotent) return await this.#send(call)
    // Two concurrent requests could create two orders, so a second attempt shares the running one.
    this.#sharedAttempt ??= this.#send(call).finally(() => {
      this.#sharedAttempt = undefined
    })
    return await this.#sharedAttempt
  }

  async #send(call: Call): Promise<Response> {
    // A new attempt replaces the failed responses of the earlier ones.
    if (call.attempt > 1) this.#discardFailedResponses()
    const attempt = new Attempt((cancellation, body) => this.#onCancel(cancellation, body))
    const scope = scopeOf(call)
    if (scope !== undefined) attempt.watch(scope)
    try {
      const { input, init, confined } = await this.#request.forAttempt(call, this.#lastError, attempt)
      try {
        checkInTime(call, this.#settings.name)
      } catch (error) {
        this.#request.abandonBody(attempt.upload, error)
        throw error
      }
      attempt.telemetry = AttemptTelemetry.start(this.#request, call.clock)
      let response: Response
      try {
        const { fetch, propagation } = this.#settings
        response = await (confined ? fetchConfined(fetch, input, init, propagation.isOwn) : fetch(input, init))
      } catch (error) {
        attempt.upload?.cancel(error)
        if (scope?.cancellation !== undefined) throw scope.cancellation.reason
        throw this.#request.bodyFailure(attempt.upload) ?? fetchError(this.#request, error)
      }
      // A `fetch` that ignores its signal may return after the cancellation.
      if (scope?.cancellation !== undefined || this.#ended) {
        discard(response)
        attempt.upload?.cancel(undefined)
        throw scope?.cancellation?.reason ?? new Error('the call has ended')
      }
      const { status } = response
      attempt.telemetry?.answered(status)
      const unwanted = isFailure(status) || (this.#settings.throws && status >= 400)
      if (unwanted) throw await this.#failureOf(call, response)
      return await this.#deliver(call, attempt, response)
    } catch (error) {
      this.#lastError = error
      if (scope?.cancellation === undefined) attempt.telemetry?.failed(error)
      else attempt.telemetry?.cancelled(scope.cancellation)
      throw error
    } finally {
      attempt.unwatch()
      attempt.telemetry?.end()
    }
  }

  /** Returns the error of a response with an unwanted status. */
  async #failureOf(call: Call, response: Response): Promise<unknown> {
    if (this.#settings.throws) return await this.#readError(call, response)
    const { status } = response
    const failed = new FailedResponse(response, (cause) => bodyError(this.#request, status, cause))
    // Without a deadline nothing would end the wait for a body that stalls.
    if (call.deadline !== undefined) await failed.readAhead()
    const cancellation = scopeOf(call)?.cancellation
    if (cancellation !== undefined) {
      failed.discard()
      return cancellation.reason
    }
    const error = this.#statusError(response, undefined)
    if (this.#ended) failed.discard()
    else this.#failedResponses.set(error, failed)
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
      if (!isFailure(response.status)) return bodyError(this.#request, response.status, error)
    }
    return this.#statusError(response, body.parsed())
  }

  #statusError({ status, headers }: Response, body: unknown): UpstreamError {
    return statusError(this.#request, { status, retryAfterMs: retryAfterMs(headers, Date.now()), body })
  }

  /** Resolves the caller's promise, and settles when the body has ended. */
  async #deliver(call: Call, attempt: Attempt, response: Response): Promise<Response> {
    const source = response.body
    // A concurrent attempt was faster.
    if (this.#delivered !== undefined) {
      discard(response)
      return await this.#delivered
    }
    if (source == null) {
      this.#delivered = Promise.resolve(response)
      this.#resolve(response)
      return response
    }
    const body = new BodyStream(source, (cause) => ({
      // The reader may make a new call after this error. This call must not be retried: the caller has its response.
      reader: bodyError(this.#request, response.status, cause),
      shield: bodyError(this.#request, response.status, cause, 'never'),
    }))
    const delivered = withBody(response, body.stream)
    attempt.body = body
    this.#body = body
    // The caller reads it, whatever the policies do with it.
    keepOpen(delivered)
    this.#delivered = body.finished.then(() => delivered)
    this.#resolve(delivered)
    // The body may take long. The headers are the answer: no hedge is needed after them.
    answered(call)
    return await this.#delivered
  }

  /** Runs before the policies are notified of the cancellation, so that they read the amended facts. */
  #onCancel({ by, reason }: Cancellation, body: BodyStream | undefined): void {
    if (by === 'escudo') {
      const waitsForReader = body?.waitsForReader === true
      amendTimeout(this.#request, reason, { delivered: this.#delivered !== undefined, waitsForReader })
    }
    body?.fail(errorForCaller(this.#request, reason), reason)
  }

  #succeed(response: Response): void {
    this.#end(undefined)
    if (this.#delivered !== undefined) return
    // No attempt of this call delivered a response: this one comes from a fallback, or from a cache or coalesce, which
    // passes on the response of another call after its body was read.
    if (!response?.bodyUsed) {
      this.#resolve(response)
      return
    }
    throw new TypeError(
      "the shield returned a Response whose body was already read: put cache and coalesce around the code that reads the response, not into resilientFetch's shield",
    )
  }

  #fail(error: unknown): void {
    const failed = this.#failedResponses.get(error)
    this.#failedResponses.delete(error)
    this.#end(error)
    if (this.#delivered !== undefined) {
      // After a cancellation the body has ended already. A custom policy may reject without a cancellation.
      this.#body?.fail(errorForCaller(this.#request, error), error)
    } else if (failed !== undefined) {
      this.#resolve(failed.toResponse(this.#request.signal))
    } else {
      this.#reject(errorForCaller(this.#request, error))
    }
  }

  #end(error: unknown): void {
    this.#ended = true
    this.#request.releaseBody(error)
    this.#discardFailedResponses()
  }

  #discardFailedResponses(): void {
    for (const failed of this.#failedResponses.values()) failed.discard()
    this.#failedResponses.clear()
  }
}
