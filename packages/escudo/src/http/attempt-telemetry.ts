import type { Clock } from '../core/clock.ts'
import { sampledTrace } from '../core/context/trace-context.ts'
import { type AttemptSpan, tracer } from '../core/context/tracer.ts'
import type { Call } from '../core/engine/call.ts'
import type { Cancellation } from '../core/engine/cancel-scope.ts'
import { type ClientRequestEnd, isHttpWatched, watchSent } from '../core/events/http-events.ts'
import { factsOf } from '../errors/error-facts.ts'
import { isInstance } from '../errors/safe-read.ts'
import { attemptNumber } from './request/attempt-headers.ts'
import type { OutgoingRequest } from './request/outgoing-request.ts'
import { UpstreamError } from './upstream-error.ts'

type WatchedRequest = Pick<OutgoingRequest, 'target' | 'url' | 'context' | 'signal'>

/** Reports one attempt to the HTTP watchers and to its span. Exists only if there is a watcher or a tracer. */
export class AttemptTelemetry {
  /** The span of the attempt. Its `traceparent` is the one to send. */
  readonly span: AttemptSpan | undefined
  readonly #emitEnd: ((end: ClientRequestEnd) => void) | undefined
  readonly #clock: Clock
  readonly #startedMs: number
  readonly #traceId: string | undefined
  #status: number | undefined
  #errorType: string | undefined

  private constructor(
    emitEnd: ((end: ClientRequestEnd) => void) | undefined,
    clock: Clock,
    traceId: string | undefined,
    span: AttemptSpan | undefined,
  ) {
    this.span = span
    this.#emitEnd = emitEnd
    this.#clock = clock
    this.#startedMs = clock.now()
    this.#traceId = traceId
  }

  /** Reports that an attempt is about to be sent. Returns undefined without a watcher and without a tracer. */
  static start(request: WatchedRequest, call: Call): AttemptTelemetry | undefined {
    if (tracer === undefined && !isHttpWatched()) return undefined
    const { target, url, context } = request
    const { method, template } = target
    const span = tracer?.send({ method, url, template, attempt: attemptNumber(request.signal, call) }, context)
    const emitEnd = watchSent({ method, url })
    if (emitEnd === undefined && span === undefined) return undefined
    return new AttemptTelemetry(emitEnd, call.clock, sampledTrace(span?.ids ?? context), span)
  }

  /** Records the status. OpenTelemetry's conventions count a client's request as failed from 400 on. */
  answered(status: number): void {
    this.#status = status
    if (status >= 400) this.#errorType = String(status)
  }

  /** Records why the attempt rejected. A status, if it is the reason, is recorded already. */
  failed(error: unknown): void {
    const failure = isInstance(error, UpstreamError) ? error.failure : (factsOf(error)?.code ?? '_OTHER')
    if (failure === 'status') return
    this.#errorType = failure
    this.span?.recordError(error)
  }

  /** Records that the caller or a timeout cancelled the attempt, and ends it. */
  cancelled(cancellation: Cancellation): void {
    this.#errorType = isTimeout(cancellation) ? 'timeout' : 'aborted'
    this.end()
  }

  /** Reports the end. Later calls have no effect: `watchSent` and the span take the first end only. */
  end(): void {
    const status = this.#status
    const errorType = this.#errorType
    this.#emitEnd?.({ durationMs: this.#clock.now() - this.#startedMs, status, errorType, traceId: this.#traceId })
    this.span?.end({ status, errorType })
  }
}

/** Whether a timeout of the shield expired, or one in the caller's signal (`AbortSignal.timeout`). */
function isTimeout({ by, reason }: Cancellation): boolean {
  return by === 'escudo' || (isInstance(reason, DOMException) && reason.name === 'TimeoutError')
}
