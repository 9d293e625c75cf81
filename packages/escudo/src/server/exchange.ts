import { type Ambient, type RequestTally, withAmbient } from '../core/context/ambient.ts'
import { continueTrace, sampledTrace, type TraceContext } from '../core/context/trace-context.ts'
import { type ServerSpan, type Tracer, tracer } from '../core/context/tracer.ts'
import { type ServerRequestEnd, watchServed } from '../core/events/http-events.ts'
import type { ErrorAnswer, ErrorContract } from '../errors/contract/contract.ts'
import { type LogFields, technicalFields } from '../errors/contract/log-fields.ts'
import type { LogLevel } from '../errors/error-facts.ts'
import { read } from '../errors/safe-read.ts'
import { DegradedShields } from './degraded-shields.ts'
import { joinHeader } from './headers.ts'
import { type InboundDeadline, inboundDeadlineMs } from './inbound-deadline.ts'
import { type ServerLogger, writeKnownLine } from './logger.ts'
import { isTrusted } from './peers.ts'
import { ErrorLine, RequestLine } from './request-lines.ts'
import { watchShields } from './request-tally.ts'

// The part of a server adapter that is the same for every framework. It imports no framework: it receives the facts of
// a request, returns answers and writes log lines.

/** A request as an adapter sees it. */
export interface InboundRequest {
  readonly method: string
  /** The request target. Only its path is logged. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** The remote address of the connection. */
  readonly address: string | undefined
  /** Whether the connection is encrypted. Default: no. */
  readonly isEncrypted?: boolean
}

/** The logged status of a request whose client disconnected before the answer was sent. It is never sent. */
const CLIENT_CLOSED_REQUEST = 499

const PATH_LENGTH_MAX = 2_048

/**
 * One request, from its arrival to its `http.request` log line.
 *
 * An adapter creates it when the request arrives, and sets {@link route} when it knows the route. For an error it calls
 * {@link fail} while the client can still get an answer, {@link failAfterDisconnect} when the client is gone, or
 * {@link failAfterHeaders} when the response has begun. It calls {@link end} when the response is finished or the
 * connection is closed. A repeated call of one of these methods has no effect.
 */
export class Exchange implements RequestTally {
  readonly ambient: Ambient
  readonly method: string
  readonly path: string
  /** The pattern of the route that serves the request; null without one. */
  route: string | null = null
  /** What the adapter of a framework keeps of the request. */
  adapterState: object | undefined = undefined
  readonly #contract: ErrorContract
  readonly #logger: ServerLogger
  readonly #accept: string | undefined
  readonly #acceptLanguage: string | undefined
  readonly #startedMs = performance.now()
  readonly #notifyEnd: ((end: ServerRequestEnd) => void) | undefined
  readonly #span: ServerSpan | undefined
  #answer: ErrorAnswer | undefined
  #retries = 0
  /**
   * How far the framework is with the error answer: `given` to it, then `sending`, when its hooks run. An adapter sets
   * it. A second error of such an exchange means that sending failed.
   */
  answering: 'no' | 'given' | 'sending' = 'no'
  #degraded: DegradedShields | undefined
  #failedAfterHeaders = false
  #failedAfterReply = false
  #ended = false

  /** @param deadline which deadline of the caller is accepted; default: none */
  constructor(contract: ErrorContract, logger: ServerLogger, request: InboundRequest, deadline?: InboundDeadline) {
    this.#contract = contract
    this.#logger = logger
    this.method = request.method
    this.path = pathOf(request.url)
    this.#accept = joinHeader(request.headers['accept'])
    this.#acceptLanguage = joinHeader(request.headers['accept-language'])
    const trusted = isTrusted(contract.trustInbound, request.address)
    const trace = continueTrace(trusted ? request.headers : {})
    const locale = contract.localeFor(this.#acceptLanguage)
    const deadlineMs = trusted && deadline !== undefined ? inboundDeadlineMs(deadline, request.headers) : undefined
    watchShields()
    this.#span = tracer === undefined ? undefined : startSpan(tracer, request, this.path, trace)
    // Every request has the same keys, absent ones too: objects of one shape are read faster.
    const { traceId, spanId, parentSpanId, traceFlags, traceState, baggage } = this.#span?.ids ?? trace
    const ambient = { traceId, spanId, parentSpanId, traceFlags, traceState, baggage, deadlineMs, locale, tally: this }
    this.ambient = this.#span === undefined ? ambient : { ...ambient, span: this.#span }
    this.#notifyEnd = watchServed(request)
  }

  get traceId(): string {
    return this.ambient.traceId
  }

  /** The logger of the adapter, for lines about this request. */
  get logger(): ServerLogger {
    return this.#logger
  }

  /** Runs code in the context of the request, and everything that it starts. */
  run<T>(body: () => T): T {
    return withAmbient(this.ambient, body)
  }

  countRetry(): void {
    this.#retries += 1
  }

  countDegraded(shield: string): void {
    this.#degraded ??= new DegradedShields()
    this.#degraded.add(shield)
  }

  /** Translates an error to the answer for the client, and logs it. Later errors get the first answer. */
  fail(error: unknown): ErrorAnswer {
    if (this.#answer !== undefined) return this.#answer
    const answer = this.#contract.translate(error, {
      traceId: this.ambient.traceId,
      accept: this.#accept,
      acceptLanguage: this.#acceptLanguage,
    })
    this.#answer = answer
    this.#log(answer.level, answer.log, 'http_error')
    if (answer.kind === 'technical') this.#span?.recordError(error)
    return answer
  }

  /** Logs an error that happened while an error answer was sent. The answer does not change. */
  logSendingFailure(error: unknown): void {
    this.#log('error', technicalFields(error), 'http_error_sending_failed')
    this.#span?.recordError(error)
  }

  /**
   * Logs an error with status 499: the client has disconnected, so no answer is sent. A bug is logged at error, because
   * it is one for the next client too. Any other error is logged at debug; after {@link end} it is not logged.
   */
  failAfterDisconnect(error: unknown): void {
    if (this.#answer !== undefined) return
    const answer = this.#contract.translate(error, { traceId: this.ambient.traceId })
    const isBug = answer.code === 'INTERNAL_SERVER_ERROR' && !isDisconnect(error)
    // Kept even if it is not logged: a later `fail` must not log it either.
    this.#answer = answer
    if (this.#ended && !isBug) return
    const fields = { ...answer.log, ...technicalFields(error), status_code: CLIENT_CLOSED_REQUEST }
    this.#log(isBug ? 'error' : 'debug', fields, 'http_error')
    if (isBug) this.#span?.recordError(error)
  }

  /** Logs an error after the headers were sent. It is too late for an answer: the adapter closes the connection. */
  failAfterHeaders(error: unknown): void {
    if (this.#ended) {
      this.failAfterDisconnect(error)
      return
    }
    if (this.#failedAfterHeaders) return
    this.#failedAfterHeaders = true
    this.#answer = this.#contract.lastResort(this.ambient.traceId)
    this.#log('error', { ...this.#answer.log, ...technicalFields(error) }, 'http_error')
    this.#span?.recordError(error)
  }

  /** Logs an error after a complete answer was sent. The answer and the status in the log do not change. */
  failAfterReply(error: unknown): void {
    if (this.#failedAfterReply) return
    this.#failedAfterReply = true
    this.#log(
      'error',
      { ...this.#contract.lastResort(this.ambient.traceId).log, ...technicalFields(error) },
      'http_error',
    )
    this.#span?.recordError(error)
  }

  /**
   * Ends the exchange: writes its one `http.request` line and reports to metrics.
   *
   * @param status the status that was sent; undefined if the answer was not sent completely
   */
  end(status: number | undefined): void {
    if (this.#ended) return
    this.#ended = true
    const aborted = status === undefined && !this.#failedAfterHeaders
    const answer = aborted ? undefined : this.#answer
    const durationMs = performance.now() - this.#startedMs
    // The headers announced a success before the response failed, so the sent status would be wrong in the log.
    const loggedStatus = this.#failedAfterHeaders ? 500 : (status ?? CLIENT_CLOSED_REQUEST)
    const latencyMs = Math.round(durationMs * 100) / 100
    const shields = this.#degraded?.list
    const line = new RequestLine(this, loggedStatus, latencyMs, this.#retries, shields, answer)
    writeKnownLine(this.#logger, 'info', 'http.request', line, this.ambient)
    this.#notifyEnd?.({
      durationMs,
      route: this.route,
      status: loggedStatus,
      errorCode: answer?.code,
      errorKind: answer?.kind,
      traceId: sampledTrace(this.ambient),
    })
    this.#span?.end({ status: loggedStatus, route: this.route, errorCode: answer?.code })
  }

  /** Logs an error, with the fields of the request after its own. */
  #log(level: LogLevel, fields: LogFields, event: string): void {
    writeKnownLine(this.#logger, level, event, new ErrorLine(fields, this), this.ambient)
  }
}

function startSpan(
  tracer: Tracer,
  { method, headers, isEncrypted = false }: InboundRequest,
  path: string,
  trace: TraceContext,
): ServerSpan | undefined {
  return tracer.serve({ method, path, host: joinHeader(headers['host']), isEncrypted }, trace)
}

// What Node and `fetch` throw when a client has disconnected: not bugs, but the consequence.
const DISCONNECT_CODES: readonly unknown[] = [
  'ECONNRESET',
  'EPIPE',
  'ECANCELED',
  'ABORT_ERR',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_UNABLE_TO_PIPE',
  'ERR_STREAM_WRITE_AFTER_END',
]

/** Whether an error is the consequence of a client that has disconnected. */
export function isDisconnect(error: unknown): boolean {
  return DISCONNECT_CODES.includes(read(error, 'code')) || read(error, 'name') === 'AbortError'
}

/** The path of a request target, at most 2048 characters. Query and fragment may hold secrets and are removed. */
export function pathOf(target: string): string {
  const isPath = target.startsWith('/') && target.length <= PATH_LENGTH_MAX
  if (isPath && !target.includes('?') && !target.includes('#')) return target
  // A request to a proxy carries the absolute URL: the path starts after the host.
  const local = target.replace(/^https?:\/\/[^/?#]*/i, '')
  const end = local.search(/[?#]/)
  const path = end === -1 ? local : local.slice(0, end)
  return path.length > PATH_LENGTH_MAX ? path.slice(0, PATH_LENGTH_MAX) : path
}
