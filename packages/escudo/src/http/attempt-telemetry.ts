import type { Clock } from '../core/clock.ts'
import { sampledTrace } from '../core/context/trace-context.ts'
import type { Cancellation } from '../core/engine/cancel-scope.ts'
import { type ClientRequestEnd, isHttpWatched, watchSent } from '../core/events/http-events.ts'
import { factsOf } from '../errors/error-facts.ts'
import type { OutgoingRequest } from './request/outgoing-request.ts'
import { UpstreamError } from './upstream-error.ts'

type WatchedRequest = Pick<OutgoingRequest, 'target' | 'url' | 'context'>

/** Reports one attempt to the HTTP watchers. Exists only if there is a watcher. */
export class AttemptTelemetry {
  readonly #emitEnd: (end: ClientRequestEnd) => void
  readonly #clock: Clock
  readonly #startedMs: number
  readonly #traceId: string | undefined
  #status: number | undefined
  #errorType: string | undefined

  private constructor(emitEnd: (end: ClientRequestEnd) => void, clock: Clock, traceId: string | undefined) {
    this.#emitEnd = emitEnd
    this.#clock = clock
    this.#startedMs = clock.now()
    this.#traceId = traceId
  }

  /** Reports that an attempt is about to be sent. Returns undefined without a watcher. */
  static start(request: WatchedRequest, clock: Clock): AttemptTelemetry | undefined {
    if (!isHttpWatched()) return undefined
    const { target, url, context } = request
    const emitEnd = watchSent({ method: target.method, url })
    return emitEnd === undefined ? undefined : new AttemptTelemetry(emitEnd, clock, sampledTrace(context))
  }

  /** Records the status. OpenTelemetry's conventions count a client's request as failed from 400 on. */
  answered(status: number): void {
    this.#status = status
    if (status >= 400) this.#errorType = String(status)
  }

  /** Records why the attempt rejected. A status, if it is the reason, is recorded already. */
  failed(error: unknown): void {
    const failure = error instanceof UpstreamError ? error.failure : (factsOf(error)?.code ?? '_OTHER')
    if (failure !== 'status') this.#errorType = failure
  }

  /** Records that the caller or a timeout cancelled the attempt, and ends it. */
  cancelled(cancellation: Cancellation): void {
    this.#errorType = isTimeout(cancellation) ? 'timeout' : 'aborted'
    this.end()
  }

  /** Reports the end. Later calls have no effect: `watchSent` emits the first end only. */
  end(): void {
    this.#emitEnd({
      durationMs: this.#clock.now() - this.#startedMs,
      status: this.#status,
      errorType: this.#errorType,
      traceId: this.#traceId,
    })
  }
}

/** Whether a timeout of the shield expired, or one in the caller's signal (`AbortSignal.timeout`). */
function isTimeout({ by, reason }: Cancellation): boolean {
  return by === 'escudo' || (reason instanceof DOMException && reason.name === 'TimeoutError')
}
