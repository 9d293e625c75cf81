import type { ErrorBody, ProblemBody } from '../body/body.ts'
import { kindOf } from '../catalogue/catalogue.ts'
import type { AnyCatalogue, AnyErrorClass, ErrorDefinition } from '../catalogue/definition.ts'
import { render } from '../catalogue/template.ts'
import { WellKnown } from '../catalogue/well-known.ts'
import type { Kind, LogLevel } from '../error-facts.ts'
import { read } from '../safe-read.ts'
import { phraseOf } from '../status.ts'
import { toJson, truncate } from '../to-json.ts'
import { wireContext } from './context.ts'
import { type LogFields, messageOf, technicalFields, typeOf } from './log-fields.ts'
import { type Locale, negotiateLocale, prefersProblem } from './negotiation.ts'
import { checkContractOptions } from './options.ts'
import { type Mapper, type Resolved, resolve } from './resolve.ts'

/** Options of {@link createErrorContract}. */
export interface ErrorContractOptions<C extends AnyCatalogue = AnyCatalogue> {
  /** The name of the service: `service_name` in every body. */
  readonly service: string
  /** The catalogue of the service. */
  readonly errors: C
  /** The language of messages if the client requests no available language. Default `en`. */
  readonly locale?: Locale
  /** The page that explains each code at `#CODE`: the `type` of a problem. Default: none, so `about:blank`. */
  readonly docsUrl?: string
  /** Turn third-party errors into errors of the catalogue. The first mapper that returns one decides. */
  readonly map?: readonly Mapper[]
  /**
   * Whether to continue the trace of the client: true, false, or a decision by its address. Default: loopback and
   * private addresses only, because a public client could choose arbitrary ids. A function must be synchronous.
   */
  readonly trustInbound?: boolean | ((address: string) => boolean)
}

/** What the contract needs to know about a request. */
export interface ErrorRequest {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** The `Accept` header. */
  readonly accept?: string | undefined
  /** The `Accept-Language` header. */
  readonly acceptLanguage?: string | undefined
}

/** The response to an error, and its log line. */
export interface ErrorAnswer {
  readonly status: number
  readonly code: string
  readonly kind: Kind
  /** Whether the client may send the same request again. */
  readonly retry: 'never' | 'safe'
  readonly body: ErrorBody | ProblemBody
  /** The body as sent. */
  readonly text: string
  /** With names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** The level of the log line `http_error`. */
  readonly level: LogLevel
  /** The fields of the log line `http_error`. */
  readonly log: LogFields
}

/** A catalogue with a service name and a language. It turns any thrown value into the error body. */
export interface ErrorContract<C extends AnyCatalogue = AnyCatalogue> {
  readonly service: string
  readonly errors: C
  readonly locale: Locale
  readonly docsUrl: string | undefined
  readonly trustInbound: ErrorContractOptions['trustInbound']
  /** Translates any thrown value into a response. Never throws. */
  translate(error: unknown, request: ErrorRequest): ErrorAnswer
  /** The response if translation itself fails: a constant `INTERNAL_SERVER_ERROR` with the trace id. */
  lastResort(traceId: string): ErrorAnswer
}

const DAY_MS = 86_400_000

/**
 * Creates the error contract of a service.
 *
 * Messages are in the client's language. Bodies are JSON with six keys, or RFC 9457 if `Accept` prefers it. The client
 * receives only context keys that the error's schema declares, and no details of a bug.
 *
 * @throws ConfigurationError if an option is not valid
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 *
 * const Errors = defineErrors({ SOLD_OUT: { status: 409, message: { es: 'Agotado.', en: 'Sold out.' } } })
 * const contract = createErrorContract({ service: 'potion-shop', errors: Errors, locale: 'es' })
 * const answer = contract.translate(new Errors.SOLD_OUT(), { traceId: '4bf92f3577b34da6a3ce929d0e0e4736' })
 * console.log(answer.status, answer.body.message) // 409 Agotado.
 * ```
 */
export function createErrorContract<const C extends Readonly<Record<string, AnyErrorClass>>>(
  options: ErrorContractOptions<C>,
): ErrorContract<C> {
  return new Contract(options) as unknown as ErrorContract<C>
}

class Contract implements ErrorContract {
  readonly service: string
  readonly errors: AnyCatalogue
  readonly locale: Locale
  readonly docsUrl: string | undefined
  readonly trustInbound: ErrorContractOptions['trustInbound']
  readonly #mappers: readonly Mapper[]

  constructor(options: ErrorContractOptions) {
    checkContractOptions(options)
    const { service, errors, locale = 'en', docsUrl, map = [], trustInbound } = options
    this.service = service
    this.errors = errors
    this.locale = locale
    this.docsUrl = docsUrl
    this.trustInbound = trustInbound
    this.#mappers = [...map]
  }

  translate(error: unknown, request: ErrorRequest): ErrorAnswer {
    try {
      return this.#answer(resolve(error, this.errors, this.#mappers), request)
    } catch {
      return this.lastResort(request.traceId)
    }
  }

  lastResort(traceId: string): ErrorAnswer {
    const { status, kind, code, definition } = WellKnown.INTERNAL_SERVER_ERROR
    const { message, locale } = messageIn(definition, this.locale)
    const body = this.#body(traceId, code, message, status, {})
    const headers = headersOf('application/json; charset=utf-8', locale)
    const log = { status_code: status, detail: message, error_code: code, error_kind: kind }
    return { status, code, kind, retry: 'never', body, text: JSON.stringify(body), headers, level: 'error', log }
  }

  #answer(resolved: Resolved, request: ErrorRequest): ErrorAnswer {
    const { code, definition } = resolved
    const { status } = definition
    const kind = kindOf(definition)
    const { context, problem } = wireContext(definition, resolved.context)
    const { message, locale } = messageIn(definition, negotiateLocale(request.acceptLanguage, this.locale))
    const plain = this.#body(request.traceId, code, render(message, context), status, context)
    const asProblem = prefersProblem(request.accept)
    const body = asProblem ? this.#problem(plain, code) : plain
    const headers = headersOf(asProblem ? 'application/problem+json' : 'application/json; charset=utf-8', locale)
    Object.assign(headers, resolved.headers)
    const retryAfter = retryAfterSeconds(status, resolved.retryAfterMs)
    if (retryAfter !== undefined) headers['retry-after'] = String(retryAfter)
    const log = {
      status_code: status,
      detail: render(messageIn(definition, this.locale).message, context),
      error_code: code,
      error_kind: kind,
      ...(Object.keys(context).length > 0 ? { context } : {}),
      ...(problem === undefined ? {} : { context_problem: truncate(problem, 1_024) }),
      ...(resolved.mapProblem === undefined ? {} : { map_problem: resolved.mapProblem }),
      ...(resolved.internal === undefined ? {} : { internal: toJson(resolved.internal) }),
      ...(kind === 'technical' ? technicalFields(resolved.error) : causeOf(resolved.error)),
    }
    const retry = definition.retry ?? (kind === 'technical' ? 'safe' : 'never')
    return { status, code, kind, retry, body, text: JSON.stringify(body), headers, level: levelOf(definition), log }
  }

  #body(traceId: string, code: string, message: string, status: number, context: ErrorBody['context']): ErrorBody {
    return {
      trace_id: traceId,
      error_code: code,
      message,
      status_code: status,
      service_name: this.service,
      context,
    }
  }

  #problem(body: ErrorBody, code: string): ProblemBody {
    return {
      type: this.docsUrl === undefined ? 'about:blank' : `${this.docsUrl}#${code}`,
      // RFC 9457, 4.2.1: the title of a problem of type about:blank is the phrase of its status.
      title: this.docsUrl === undefined ? phraseOf(body.status_code) : titleOf(code),
      status: body.status_code,
      detail: body.message,
      instance: `urn:trace:${body.trace_id}`,
      ...body,
    }
  }
}

/** The message and its language: the requested one, or the other one if there is no translation. */
function messageIn(definition: ErrorDefinition, requested: Locale): { message: string; locale: Locale } {
  const { message } = definition
  if (typeof message === 'string') return { message, locale: requested }
  const translated = message[requested]
  if (translated !== undefined) return { message: translated, locale: requested }
  const other = requested === 'es' ? 'en' : 'es'
  return { message: message[other] ?? '', locale: other }
}

function headersOf(contentType: string, locale: Locale): Record<string, string> {
  return {
    'content-type': contentType,
    'content-language': locale,
    'cache-control': 'no-store',
    vary: 'Accept, Accept-Language',
  }
}

/** `Retry-After` in whole seconds, from 1 to one day. Only for 503 and 429, and only if the time is known. */
function retryAfterSeconds(status: number, retryAfterMs: unknown): number | undefined {
  if (status !== 503 && status !== 429) return undefined
  if (typeof retryAfterMs !== 'number' || !Number.isFinite(retryAfterMs)) return undefined
  return Math.max(1, Math.ceil(Math.min(retryAfterMs, DAY_MS) / 1_000))
}

function levelOf(definition: ErrorDefinition): LogLevel {
  if (definition.level !== undefined) return definition.level
  if ([401, 403, 429].includes(definition.status)) return 'warning'
  return kindOf(definition) === 'technical' ? 'error' : 'info'
}

/** The cause of a business error, in short: its log line has no stack. */
function causeOf(error: unknown): LogFields {
  const cause = read(error, 'cause')
  return cause === undefined ? {} : { error_cause: `${typeOf(cause)}: ${messageOf(cause)}` }
}

/** `ITEM_NOT_FOUND` as `Item not found`. */
function titleOf(code: string): string {
  const words = code.toLowerCase().replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
