import type { Dispatcher } from 'undici'
import type { Call } from '../core/engine/call.ts'
import { declareIdempotency } from '../core/idempotency.ts'
import type { Operation } from '../core/operation.ts'
import { isInstance } from '../errors/safe-read.ts'
import { errorForCaller } from '../http/call-errors.ts'
import { TURNS_MAX } from '../http/response/body-stream.ts'
import type { AttemptOwner, Winner } from './attempt-owner.ts'
import { CallerController } from './caller-controller.ts'
import { DispatchAttempt } from './dispatch-attempt.ts'
import type { DispatchRequest } from './dispatch-request.ts'
import type { HeldResponse, ResponseHeaders } from './held-response.ts'
import { NotSentError } from './not-sent-error.ts'
import type { UndiciAnswer, UndiciShield } from './options.ts'
import { StreamedAnswer } from './streamed-answer.ts'

/**
 * Runs one call of a resilient dispatcher: all its attempts, and the body of the successful one.
 *
 * The caller's handler receives the headers of a good response as soon as they arrive. The shield's operation settles
 * when the body has ended, so that timeout, bulkhead and circuit breaker cover the body too.
 */
export class DispatchCall implements AttemptOwner {
  // Declared here and assigned in the constructor: see Watcher.
  declare readonly request: DispatchRequest
  declare readonly handler: Dispatcher.DispatchHandler
  declare readonly controller: CallerController
  declare readonly context: object
  declare winner: Winner | undefined
  declare lastError: unknown
  declare ended: boolean
  /** Aborts the shield for a handler that can abort without a signal. */
  declare private readonly aborter: AbortController | undefined
  /** Failed responses by their error: the caller receives the one whose error ends the call. */
  declare private failed: Map<unknown, HeldResponse> | undefined
  /** The running attempt of a request that is not idempotent. A concurrent attempt shares it. */
  declare private shared: Promise<UndiciAnswer> | undefined

  constructor(request: DispatchRequest, handler: Dispatcher.DispatchHandler, aborter: AbortController | undefined) {
    this.request = request
    this.handler = handler
    this.controller = new CallerController(this)
    this.context = {}
    this.winner = undefined
    this.lastError = undefined
    this.ended = false
    this.aborter = aborter
    this.failed = undefined
    this.shared = undefined
  }

  run(shield: UndiciShield): void {
    const { request, handler, controller } = this
    handler.onRequestStart?.(controller, this.context)
    if (controller.aborted) {
      this.#reject(controller.reason)
      return
    }
    const operation: Operation<UndiciAnswer> = (call) => this.#attempt(call)
    declareIdempotency(operation, request.idempotency)
    const { signal } = request
    shield.run(operation, signal === undefined ? undefined : { signal }).then(
      (answer) => this.#succeed(answer),
      (error) => this.#fail(error),
    )
  }

  /** The handler aborts its request: a caller's abort, or the end of a body that it does not want. */
  aborted(reason: unknown): void {
    const { request, winner, aborter } = this
    if (this.ended) this.controller.source?.abort(reason)
    else if (request.callerAborted) aborter?.abort(request.callerReason)
    else if (winner !== undefined) winner.release(reason)
    else aborter?.abort(reason ?? undefined)
  }

  reportEnd(trailers: ResponseHeaders): void {
    const { handler, controller } = this
    this.#whenFree(() => {
      try {
        handler.onResponseEnd?.(controller, trailers)
      } catch (error) {
        // As undici does for a handler that throws.
        handler.onResponseError?.(controller, error as Error)
      }
    })
  }

  reportError(error: unknown): void {
    this.#whenFree(() => this.handler.onResponseError?.(this.controller, error as Error))
  }

  /** A handler may send its next request at once, so it must find the permits of this one free. */
  async #whenFree(report: () => void): Promise<void> {
    for (let turn = 0; turn < TURNS_MAX && !this.ended; turn += 1) await undefined
    report()
  }

  async failDelivered(error: unknown): Promise<void> {
    // After a timeout the policies have the outcome before the attempt has ended, so the handler waits all turns.
    if (!this.ended) for (let turn = 0; turn < TURNS_MAX; turn += 1) await undefined
    this.handler.onResponseError?.(this.controller, errorForCaller(this.request, error) as Error)
  }

  keepFailed(error: unknown, held: HeldResponse): void {
    this.failed ??= new Map()
    this.failed.set(error, held)
  }

  /** The operation that the shield runs. */
  #attempt(call: Call): Promise<UndiciAnswer> {
    // A late hedge, or a retry by a custom policy: the caller already has its response.
    if (this.winner !== undefined) return this.winner.settled
    if (this.shared !== undefined) return this.shared
    // A new attempt replaces the failed responses of the earlier ones.
    if (call.attempt > 1) this.#dumpFailed()
    const sent = new DispatchAttempt(this, call).start()
    if (this.request.idempotent) return sent
    // Two concurrent requests could create two orders, so a second attempt shares the running one.
    this.shared = sent
    const forget = (): void => {
      this.shared = undefined
    }
    sent.then(forget, forget)
    return sent
  }

  #succeed(answer: UndiciAnswer): void {
    this.#end()
    if (this.winner !== undefined) return
    // No attempt of this call passed a response on: this one comes from a fallback, or from a cache or coalesce, which
    // pass on the answer of another call after its body was read.
    const problem = problemOf(answer, this)
    if (problem === undefined) this.#substitute(answer)
    else this.#reject(new TypeError(problem))
  }

  #fail(error: unknown): void {
    const held = this.failed?.get(error)
    this.failed?.delete(error)
    this.#end()
    if (this.winner !== undefined) {
      // After a cancellation the response has ended already. A custom policy may reject without a cancellation.
      if (this.winner.breakOff(error)) this.failDelivered(error)
    } else if (held !== undefined) held.deliverTo(this.handler, this.controller)
    else this.#reject(isInstance(error, NotSentError) ? error.refused : errorForCaller(this.request, error))
  }

  #reject(error: unknown): void {
    this.request.releaseBody()
    this.handler.onResponseError?.(this.controller, error as Error)
  }

  /** Passes the answer of a fallback on. */
  #substitute({ statusCode, headers = {}, body = '' }: UndiciAnswer): void {
    const { handler, controller } = this
    const fields = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined))
    controller.rawHeaders = Object.entries(fields).flatMap(([name, value]) =>
      [value].flat().flatMap((each) => [Buffer.from(name, 'latin1'), Buffer.from(String(each), 'latin1')]),
    )
    handler.onResponseStart?.(controller, statusCode, fields, '')
    if (body.length > 0) handler.onResponseData?.(controller, Buffer.from(body as Uint8Array))
    handler.onResponseEnd?.(controller, {})
  }

  #end(): void {
    this.ended = true
    this.request.releaseBody()
    this.#dumpFailed()
  }

  #dumpFailed(): void {
    if (this.failed === undefined) return
    for (const held of this.failed.values()) held.dump()
    this.failed = undefined
  }
}

/** Why an answer cannot be passed on to the handler of a call; undefined if it can. */
function problemOf(answer: UndiciAnswer, call: DispatchCall): string | undefined {
  if (StreamedAnswer.isOfOther(answer, call)) {
    return 'the shield returned an answer whose body was already read: put cache and coalesce around the code that reads the body, not into the shield of the dispatcher'
  }
  return typeof answer?.statusCode === 'number' ? undefined : 'the shield must return an answer with a statusCode'
}
