import type { Clock } from '../core/clock.ts'
import { sampledTrace } from '../core/context/trace-context.ts'
import type { Cancellation } from '../core/engine/cancel-scope.ts'
import { type ClientRequestEnd, watchSent } from '../core/events/http-events.ts'
import { factsOf } from '../errors/error-facts.ts'
import type { OutgoingRequest } from './request/outgoing-request.ts'
import { UpstreamError } from './upstream-error.ts'

/** What telemetry is told of one attempt. Made only when somebody listens. */
export class AttemptWatch {
  readonly #tell: (end: ClientRequestEnd) => void
  readonly #clock: Clock
  readonly #startedMs: number
  readonly #traceId: string | undefined
  #status: number | undefined
  #errorType: string | undefined

  private constructor(tell: (end: ClientRequestEnd) => void, clock: Clock, traceId: string | undefined) {
    this.#tell = tell
    this.#clock = clock
    this.#startedMs = clock.now()
    this.#traceId = traceId
  }

  /** Begins to watch an attempt that is about to be sent; undefined when nobody listens. */
  static begin({ target, url, context }: OutgoingRequest, clock: Clock): AttemptWatch | undefined {
    const tell = watchSent({ method: target.method, url })
    return tell === undefined ? undefined : new AttemptWatch(tell, clock, sampledTrace(context))
  }

  /** The headers have come. To the conventions, a client has failed from 400 on. */
  answered(status: number): void {
    this.#status = status
    if (status >= 400) this.#errorType = String(status)
  }

  /** The attempt rejected. Where its status was the reason, the status says more. */
  failed(error: unknown): void {
    const failure = error instanceof UpstreamError ? error.failure : (factsOf(error)?.code ?? '_OTHER')
    if (failure !== 'status') this.#errorType = failure
  }

  /** The attempt was given up, by its caller or by a timeout, and is over. */
  cut(cut: Cancellation): void {
    this.#errorType = ranOut(cut) ? 'timeout' : 'aborted'
    this.end()
  }

  /** The attempt is over. Only the first end is told: `watchSent` sees to that. */
  end(): void {
    this.#tell({
      durationMs: this.#clock.now() - this.#startedMs,
      status: this.#status,
      errorType: this.#errorType,
      traceId: this.#traceId,
    })
  }
}

/** A timeout of the shield's, or one that the caller's signal brought along: `AbortSignal.timeout`. */
function ranOut({ by, reason }: Cancellation): boolean {
  return by === 'escudo' || (reason instanceof DOMException && reason.name === 'TimeoutError')
}
