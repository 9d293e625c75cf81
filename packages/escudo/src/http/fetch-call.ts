import { type Call, scopeOf } from '../core/engine/call.ts'
import { type Cancellation, type CancelScope, Watcher } from '../core/engine/cancel-scope.ts'
import { answered, declareIdempotency } from '../core/idempotency.ts'
import type { Operation } from '../core/operation.ts'
import { factsOf } from '../errors/error-facts.ts'
import { AttemptWatch } from './attempt-watch.ts'
import type { ClientSettings } from './client-settings.ts'
import { amendFacts, bodyError, isTimeout, networkError, statusError, timeoutError } from './failures.ts'
import type { ResponseShield } from './options.ts'
import type { OutgoingRequest } from './request/outgoing-request.ts'
import { BodyStream } from './response/body-stream.ts'
import { FailedResponse } from './response/failed-response.ts'
import { discard, withBody } from './response/response-copy.ts'
import { retryAfterMs } from './response/retry-after.ts'
import { isFailure } from './response/status.ts'
import type { UpstreamError } from './upstream-error.ts'

/**
 * One call of a resilient `fetch`: all its attempts, and the body of the one that succeeded.
 *
 * Two promises settle at different times, and that is the point. The caller's settles when the headers of a good answer
 * are there. The shield's operation returns only when the body is over, so that timeout, bulkhead and breaker cover the
 * body as well.
 */
export class FetchCall {
  readonly #request: OutgoingRequest
  readonly #settings: ClientSettings
  /** Failed answers whose caller may still want them, by the error that stands for each. */
  readonly #failed = new Map<unknown, FailedResponse>()
  #resolve: (response: Response) => void = () => {}
  #reject: (error: unknown) => void = () => {}
  /** The answer that the caller has got, settling when its body is over. From then on no request is sent. */
  #handedOver: Promise<Response> | undefined
  #body: BodyStream | undefined
  /** An attempt under way of a request that must not be sent twice. */
  #single: Promise<Response> | undefined
  #lastError: unknown
  #over = false

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

  #succeed(response: Response): void {
    this.#end()
    if (this.#handedOver !== undefined) return
    // Not from an attempt of this call: a fallback's, which is new, or that of another call, which was read by it.
    if (!response?.bodyUsed) {
      this.#resolve(response)
      return
    }
    throw new TypeError(
      'the shield gave a Response whose body has been read: caches and coalescing belong around what is made of a response',
    )
  }

  #fail(error: unknown): void {
    const failed = this.#failed.get(error)
    this.#failed.delete(error)
    this.#end()
    if (this.#handedOver !== undefined) {
      // Whoever cut the call has cut the body too; this is for a policy that ends a call in a way of its own.
      this.#body?.cut(this.#typed(error), error)
    } else if (failed !== undefined) {
      const broken = (cause: unknown): unknown => this.#brokenBody(failed.status, this.#retry, cause)
      this.#resolve(failed.release(this.#request.signal, broken))
    } else {
      this.#reject(this.#typed(error))
    }
  }

  #end(): void {
    this.#over = true
    this.#discardFailed()
  }

  #discardFailed(): void {
    for (const failed of this.#failed.values()) failed.discard()
    this.#failed.clear()
  }

  /** The operation that the shield runs. */
  async #attempt(call: Call): Promise<Response> {
    // A hedge, or a retry by somebody's own rule, comes too late: there is one answer, and its caller has it.
    if (this.#handedOver !== undefined) return await this.#handedOver
    if (this.#request.resendable) return await this.#send(call)
    // Two at once would be two orders: the second follows the first.
    this.#single ??= this.#send(call).finally(() => {
      this.#single = undefined
    })
    return await this.#single
  }

  async #send(call: Call): Promise<Response> {
    // Whoever tries again does not want the answer to the attempt before.
    if (call.attempt > 1) this.#discardFailed()
    const attempt = new Attempt((cut, body) => this.#onCut(cut, body))
    const scope = scopeOf(call)
    if (scope !== undefined) attempt.watch(scope)
    try {
      const [input, init] = await this.#request.forAttempt(call, this.#lastError)
      attempt.told = AttemptWatch.begin(this.#request, call.clock)
      let response: Response
      try {
        response = await this.#settings.fetch(input, init)
      } catch (error) {
        throw scope?.cancellation === undefined ? this.#unanswered(error) : scope.cancellation.reason
      }
      // A `fetch` that is deaf to its signal answers when nobody listens any more.
      if (scope?.cancellation !== undefined || this.#over) {
        discard(response.body)
        throw scope?.cancellation?.reason ?? new Error('the call is over')
      }
      const { status } = response
      attempt.told?.answered(status)
      if (isFailure(status) || (this.#settings.throws && status >= 400)) throw await this.#refused(scope, response)
      return await this.#handOver(call, attempt, response)
    } catch (error) {
      this.#lastError = error
      if (scope?.cancellation === undefined) attempt.told?.failed(error)
      else attempt.told?.cut(scope.cancellation)
      throw error
    } finally {
      attempt.unwatch()
      attempt.told?.end()
    }
  }

  /** Makes the error for a `fetch` that rejected. One of escudo's own comes from a `fetch` that is resilient itself. */
  #unanswered(error: unknown): unknown {
    const { target, resendable } = this.#request
    return factsOf(error) === undefined ? networkError(target, resendable, error) : error
  }

  /** Reads a failed answer, and makes the error that stands for it. */
  async #refused(scope: CancelScope | undefined, response: Response): Promise<unknown> {
    const { status, headers } = response
    const failed = new FailedResponse(response)
    try {
      await failed.read()
    } catch (error) {
      if (scope?.cancellation !== undefined) return scope.cancellation.reason
      // The status says more than the end of its body, where it is a failure by itself.
      if (!isFailure(status)) return this.#brokenBody(status, this.#retry, error)
    }
    const { throws } = this.#settings
    const error = statusError(this.#request.target, this.#request.resendable, {
      status,
      retryAfterMs: retryAfterMs(headers, Date.now()),
      body: throws ? failed.parsed() : undefined,
    })
    if (throws || this.#over) failed.discard()
    else this.#failed.set(error, failed)
    return error
  }

  async #handOver(call: Call, attempt: Attempt, response: Response): Promise<Response> {
    const source = response.body
    // Another attempt was faster.
    if (this.#handedOver !== undefined) {
      discard(source)
      return await this.#handedOver
    }
    if (source == null) {
      this.#handedOver = Promise.resolve(response)
      this.#resolve(response)
      return response
    }
    const body = new BodyStream(source.getReader(), (cause) => ({
      // The reader may begin anew, with a call of its own; this call may not, for its answer is out.
      reader: this.#brokenBody(response.status, this.#retry, cause),
      shield: this.#brokenBody(response.status, 'never', cause),
    }))
    const answer = withBody(response, body.stream)
    attempt.body = body
    this.#body = body
    this.#handedOver = body.finished.then(() => answer)
    this.#resolve(answer)
    // The body may go on for long; a hedge that is still on its way is not wanted meanwhile.
    answered(call)
    return await this.#handedOver
  }

  /** Runs before any policy learns of the cut, and so in time to say what they may make of it. */
  #onCut(cut: Cancellation, body: BodyStream | undefined): void {
    if (cut.by === 'escudo') {
      const { signal, resendable } = this.#request
      // A timeout further out, which came in by the signal, is about an operation that this call is only a part of:
      // reading the body is inside of it, and it may begin anew where the request may be sent twice.
      const isOurs = !(signal?.aborted && signal.reason === cut.reason)
      if ((isOurs && this.#handedOver !== undefined) || !resendable) amendFacts(cut.reason, { retry: 'never' })
      // The dependency did its part, and the reader took too long.
      if (isOurs && body?.waitsForReader) amendFacts(cut.reason, { verdict: 'ignored' })
    }
    body?.cut(this.#typed(cut.reason), cut.reason)
  }

  /** What the caller gets to see: a timeout of the shield is one of the dependency. All else passes untouched. */
  #typed(error: unknown): unknown {
    const { signal, target, resendable } = this.#request
    if (signal?.aborted && signal.reason === error) return error
    return isTimeout(error) ? timeoutError(target, resendable, error) : error
  }

  #brokenBody(status: number, retry: 'safe' | 'never', cause: unknown): UpstreamError {
    return bodyError(this.#request.target, retry, status, cause)
  }

  get #retry(): 'safe' | 'never' {
    return this.#request.resendable ? 'safe' : 'never'
  }
}

/** One attempt, which hears of its own cut: its body goes with it, and that of no other attempt. */
class Attempt extends Watcher {
  body: BodyStream | undefined
  told: AttemptWatch | undefined
  readonly #cutOff: (cut: Cancellation, body: BodyStream | undefined) => void

  constructor(cutOff: (cut: Cancellation, body: BodyStream | undefined) => void) {
    super()
    this.#cutOff = cutOff
  }

  override onCancel(cut: Cancellation): void {
    this.#cutOff(cut, this.body)
    // Now, and not when a deaf `fetch` comes back: nobody waits for the attempt any more.
    this.told?.cut(cut)
  }
}
