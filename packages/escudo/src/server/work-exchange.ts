import { systemClock } from '../core/clock.ts'
import { type Ambient, type RequestTally, withAmbient } from '../core/context/ambient.ts'
import { type Carrier, carrierHeader } from '../core/context/carrier.ts'
import { acceptDeadlines } from '../core/context/inherited-deadline.ts'
import { continueTrace, sampledTrace } from '../core/context/trace-context.ts'
import { tracer, type WorkSpan } from '../core/context/tracer.ts'
import { type WorkEnd, watchWorked } from '../core/events/http-events.ts'
import type { ErrorAnswer } from '../errors/contract/contract.ts'
import { technicalFields } from '../errors/contract/log-fields.ts'
import type { AdapterSettings } from './adapter-options.ts'
import { DegradedShields } from './degraded-shields.ts'
import { inboundDeadlineMs } from './inbound-deadline.ts'
import { writeLine } from './logger.ts'
import { watchShields } from './request-tally.ts'

/** Work that is no HTTP request: a message of a queue, a job, a gRPC call. */
export interface InboundWork {
  /** What the work is: `orders.consume`. It names the log lines and metrics, so it must not contain ids. */
  readonly name: string
  /**
   * The headers of the message, to continue its trace. Default: none, so a new trace, as for a cron job. They are
   * trusted: pass nothing that a public client can choose.
   */
  readonly carrier?: Carrier | undefined
  /** The language of messages for users. Default: that of the contract. */
  readonly locale?: string | undefined
  /** How long the work may take from now, in milliseconds. Every shield inside inherits it. Default: no limit. */
  readonly deadlineMs?: number | undefined
  /** Fields for every log line of this work, such as the id of a job. */
  readonly bindings?: Readonly<Record<string, unknown>> | undefined
}

/** One piece of work that is no HTTP request, from its start to its `work` log line. */
export class WorkExchange implements RequestTally {
  readonly ambient: Ambient
  readonly #name: string
  readonly #settings: AdapterSettings
  readonly #locale: string | undefined
  readonly #startedMs = performance.now()
  readonly #span: WorkSpan | undefined
  readonly #degraded = new DegradedShields()
  readonly #notifyEnd: ((end: WorkEnd) => void) | undefined
  #failure: { readonly error: unknown; readonly answer: ErrorAnswer } | undefined
  #retries = 0
  #failedAfterReply = false
  #ended = false
  /** Work has no route. */
  route: string | null = null

  constructor(settings: AdapterSettings, work: InboundWork) {
    const { name, carrier, locale, bindings } = work
    this.#settings = settings
    this.#name = name
    this.#locale = locale
    const trace = continueTrace({
      traceparent: carrierHeader(carrier, 'traceparent'),
      tracestate: carrierHeader(carrier, 'tracestate'),
      baggage: carrierHeader(carrier, 'baggage'),
    })
    watchShields()
    const deadlineMs = this.#deadlineOf(work)
    const context: Ambient = { ...trace, deadlineMs, locale: locale ?? settings.contract.locale, tally: this, bindings }
    this.#span = tracer?.work(name, context)
    this.ambient = this.#span === undefined ? context : { ...context, ...this.#span.ids, span: this.#span }
    this.#notifyEnd = watchWorked({ name })
  }

  get traceId(): string {
    return this.ambient.traceId
  }

  run<T>(body: () => T): T {
    return withAmbient(this.ambient, body)
  }

  countRetry(): void {
    this.#retries += 1
  }

  countDegraded(shield: string): void {
    this.#degraded.add(shield)
  }

  fail(error: unknown): ErrorAnswer {
    if (this.#failure !== undefined) return this.#failure.answer
    const answer = this.#settings.contract.translate(error, { traceId: this.traceId, acceptLanguage: this.#locale })
    this.#failure = { error, answer }
    this.#write(answer.level, answer.log, 'work_error')
    return answer
  }

  /** There is no client that can disconnect: the same as {@link fail}. */
  failAfterDisconnect(error: unknown): void {
    this.fail(error)
  }

  /** There are no headers: the same as {@link fail}. */
  failAfterHeaders(error: unknown): void {
    this.fail(error)
  }

  failAfterReply(error: unknown): void {
    if (this.#failedAfterReply) return
    this.#failedAfterReply = true
    const fields = { ...this.#settings.contract.lastResort(this.traceId).log, ...technicalFields(error) }
    this.#write('error', fields, 'work_error')
  }

  end(status: number = this.#failure?.answer.status ?? 200): void {
    if (this.#ended) return
    this.#ended = true
    const answer = this.#failure?.answer
    const durationMs = performance.now() - this.#startedMs
    const shields = this.#degraded.list
    const fields = {
      status_code: status,
      latency_ms: Math.round(durationMs * 100) / 100,
      ...(this.#retries === 0 ? {} : { retries: this.#retries }),
      ...(shields === undefined ? {} : { degraded: true, shields }),
      ...(answer === undefined ? {} : { error_code: answer.code, error_kind: answer.kind }),
    }
    this.#write('info', fields, 'work')
    const traceId = sampledTrace(this.ambient)
    this.#notifyEnd?.({ durationMs, errorCode: answer?.code, errorKind: answer?.kind, traceId })
    this.#span?.end(this.#failure)
  }

  /** The earlier one of the caller's deadline, where it is accepted, and that of the work. */
  #deadlineOf({ carrier, deadlineMs }: InboundWork): number | undefined {
    const { deadline } = this.#settings
    const inbound =
      deadline === undefined
        ? undefined
        : inboundDeadlineMs(deadline, { [deadline.header]: carrierHeader(carrier, deadline.header) })
    if (deadlineMs === undefined) return inbound
    acceptDeadlines()
    return Math.min(inbound ?? Number.POSITIVE_INFINITY, systemClock.now() + deadlineMs)
  }

  #write(level: ErrorAnswer['level'], fields: object, event: string): void {
    withAmbient(this.ambient, () => writeLine(this.#settings.logger, level, { ...fields, work: this.#name }, event))
  }
}
