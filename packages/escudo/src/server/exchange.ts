import { type Ambient, withAmbient } from '../core/context/ambient.ts'
import { continueTrace, sampledTrace } from '../core/context/trace-context.ts'
import { type ServerRequestEnd, watchServed } from '../core/events/http-events.ts'
import type { ErrorAnswer, ErrorContract } from '../errors/contract/contract.ts'
import { technicalFields } from '../errors/contract/log-fields.ts'
import { negotiateLocale } from '../errors/contract/negotiation.ts'
import type { LogLevel } from '../errors/error-facts.ts'
import { isTrusted } from './peers.ts'

// What every server adapter does, without any server in it: facts of a request in, answers and log lines out.

/** A request as an adapter sees it. */
export interface InboundRequest {
  readonly method: string
  /** The request's target; only its path is ever logged. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** The address of whoever is connected. */
  readonly address: string | undefined
}

/** Where lines go: pino's methods, which other loggers share. */
export interface ServerLogger {
  debug(fields: object, event: string): void
  info(fields: object, event: string): void
  warn(fields: object, event: string): void
  error(fields: object, event: string): void
  fatal(fields: object, event: string): void
}

/** The status in the log for a client that went away before its answer was sent. Never written to anybody. */
export const CLIENT_CLOSED_REQUEST = 499

/** Headers about the body that was not sent after all; an error's answer must not carry them. */
export const BODY_HEADERS: readonly string[] = [
  'cache-control',
  'etag',
  'last-modified',
  'expires',
  'content-encoding',
  'content-range',
  'content-length',
]

const PATH_LENGTH_MAX = 2_048

/** One request, from its first byte to its one line in the log. */
export class Exchange {
  readonly ambient: Ambient
  readonly method: string
  readonly path: string
  /** The pattern of the route that serves it; null where there is none. */
  route: string | null = null
  readonly #contract: ErrorContract
  readonly #logger: ServerLogger
  readonly #accept: string | undefined
  readonly #acceptLanguage: string | undefined
  readonly #startedMs = performance.now()
  readonly #tellEnd: ((end: ServerRequestEnd) => void) | undefined
  #answer: ErrorAnswer | undefined
  #broken = false
  #ended = false

  constructor(contract: ErrorContract, logger: ServerLogger, request: InboundRequest) {
    this.#contract = contract
    this.#logger = logger
    this.method = request.method
    this.path = pathOf(request.url)
    this.#accept = single(request.headers['accept'])
    this.#acceptLanguage = single(request.headers['accept-language'])
    const trace = continueTrace(isTrusted(contract.trustInbound, request.address) ? request.headers : {})
    this.ambient = { ...trace, locale: negotiateLocale(this.#acceptLanguage, contract.locale) }
    this.#tellEnd = watchServed(request)
  }

  /** The answer to an error, which is logged; the first one counts. */
  fail(error: unknown): ErrorAnswer {
    if (this.#answer !== undefined) return this.#answer
    const answer = this.#contract.translate(error, {
      traceId: this.ambient.traceId,
      accept: this.#accept,
      acceptLanguage: this.#acceptLanguage,
    })
    this.#answer = answer
    this.#log(answer.level, { ...answer.log, ...this.#place() }, 'http_error')
    return answer
  }

  /** Something failed while the answer to an error was being sent; the answer stays what it is. */
  failedSending(error: unknown): void {
    this.#log('error', { ...technicalFields(error), ...this.#place() }, 'http_error_sending_failed')
  }

  /** An error for which nobody waits any more: the client has gone. */
  failUnheard(error: unknown): void {
    if (this.#answer !== undefined || this.#ended) return
    const answer = this.#contract.translate(error, { traceId: this.ambient.traceId })
    this.#answer = answer
    const fields = { ...answer.log, ...technicalFields(error), status_code: CLIENT_CLOSED_REQUEST }
    this.#log('debug', { ...fields, ...this.#place() }, 'http_error')
  }

  /** An error after the headers were sent: nothing more can be said to the client, whose connection is cut. */
  breakOff(error: unknown): void {
    if (this.#broken) return
    this.#broken = true
    const { log } = this.#contract.lastResort(this.ambient.traceId)
    this.#log('error', { ...log, ...technicalFields(error), ...this.#place() }, 'http_error')
  }

  /** The end: the one `http.request` line. `status` undefined means that the answer never got through. */
  end(status: number | undefined): void {
    if (this.#ended) return
    this.#ended = true
    const aborted = status === undefined && !this.#broken
    const answered = aborted ? undefined : this.#answer
    const durationMs = performance.now() - this.#startedMs
    // A broken answer began as a success; what the client got was none.
    const told = this.#broken ? 500 : (status ?? CLIENT_CLOSED_REQUEST)
    const fields = {
      ...this.#place(),
      status_code: told,
      latency_ms: Math.round(durationMs * 100) / 100,
      ...(answered === undefined ? {} : { error_code: answered.code, error_kind: answered.kind }),
    }
    this.#log(aborted ? 'debug' : 'info', fields, 'http.request')
    this.#tellEnd?.({
      durationMs,
      route: this.route,
      status: told,
      errorCode: answered?.code,
      errorKind: answered?.kind,
      traceId: sampledTrace(this.ambient),
    })
  }

  /** Where it happened. */
  #place(): { readonly method: string; readonly route: string | null; readonly path: string } {
    return { method: this.method, route: this.route, path: this.path }
  }

  #log(level: LogLevel, fields: object, event: string): void {
    withAmbient(this.ambient, () => writeLine(this.#logger, level, fields, event))
  }
}

const METHODS = { debug: 'debug', info: 'info', warning: 'warn', error: 'error', critical: 'fatal' } as const

/** Writes a line. A logger that throws must not cost a client its answer. */
export function writeLine(logger: ServerLogger, level: LogLevel, fields: object, event: string): void {
  try {
    logger[METHODS[level]](fields, event)
  } catch {
    // There is no second place to which it could be written.
  }
}

/** The path of a request's target, without query and fragment, which may hold secrets. */
export function pathOf(target: string): string {
  // Proxies are sent the whole address; the path begins behind the host.
  const local = target.replace(/^https?:\/\/[^/?#]*/i, '')
  const end = local.search(/[?#]/)
  const path = end === -1 ? local : local.slice(0, end)
  return path.length > PATH_LENGTH_MAX ? path.slice(0, PATH_LENGTH_MAX) : path
}

/** `Vary` with what it already had and what is added, each once. */
export function mergedVary(present: unknown, added: string): string {
  const names = [...(Array.isArray(present) ? present : [present]), added]
    .filter((value): value is string => typeof value === 'string')
    .flatMap((value) => value.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '')
  if (names.includes('*')) return '*'
  return [...new Map(names.map((name) => [name.toLowerCase(), name])).values()].join(', ')
}

function single(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'object' ? header.join(', ') : header
}
