import type { ErrorBody, ProblemBody } from '../body/body.ts'
import type { AnyCatalogue, AnyErrorClass, ErrorDefinition } from '../catalogue/definition.ts'
import { WellKnown } from '../catalogue/well-known.ts'
import type { Kind, LogLevel } from '../error-facts.ts'
import { read } from '../safe-read.ts'
import { phraseOf } from '../status.ts'
import { type JsonValue, toJson, truncate } from '../to-json.ts'
import { AnswerPlan } from './answer-plan.ts'
import { EMPTY_CONTEXT, wireContext } from './context.ts'
import { NO_HEADERS } from './error-headers.ts'
import { languagesOf, messagesOf, type WellKnownMessages } from './languages.ts'
import { addTechnicalFields, type LogFields, messageOf, typeOf } from './log-fields.ts'
import { localeChooser, prefersProblem } from './negotiation.ts'
import { checkContractOptions } from './options.ts'
import { type Mapper, type Resolved, resolve } from './resolve.ts'

/** Options of {@link createErrorContract}. */
export interface ErrorContractOptions<C extends AnyCatalogue = AnyCatalogue> {
  /** The name of the service: `service_name` in every body. */
  readonly service: string
  /** The catalogue of the service. */
  readonly errors: C
  /**
   * The language of messages if the client requests no available language, and of messages that are one string. Default
   * `en`, or the language of a catalogue without English.
   */
  readonly locale?: string
  /**
   * Messages of the library's own errors in further languages, or in place of the built-in ones: `{ fr: { CIRCUIT_OPEN:
   * '…' } }`. Default: Spanish and English.
   */
  readonly messages?: WellKnownMessages
  /**
   * Where the codes are explained: the `type` of a problem. `{code}` is replaced by the code; without it, `#CODE` is
   * added. Default: none, so `about:blank`.
   */
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
  readonly locale: string
  readonly docsUrl: string | undefined
  readonly trustInbound: ErrorContractOptions['trustInbound']
  /** The languages in which it answers: those of its catalogue, {@link locale}, and those of the option `messages`. */
  readonly languages: readonly string[]
  /** Chooses the language of an answer by the `Accept-Language` header. */
  localeFor(acceptLanguage: string | undefined): string
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
  readonly locale: string
  readonly docsUrl: string | undefined
  readonly trustInbound: ErrorContractOptions['trustInbound']
  readonly languages: readonly string[]
  readonly localeFor: (acceptLanguage: string | undefined) => string
  readonly #messages: WellKnownMessages
  readonly #own: ReadonlySet<ErrorDefinition>
  readonly #mappers: readonly Mapper[]
  // Weak, because a catalogue of another module can be collected.
  readonly #plans = new WeakMap<ErrorDefinition, AnswerPlan>()
  readonly #lastResort: AnswerPlan

  constructor(options: ErrorContractOptions) {
    checkContractOptions(options)
    const { service, errors, locale, messages = {}, docsUrl, map = [], trustInbound } = options
    const { fallback, available } = languagesOf(errors, locale, messages)
    this.service = service
    this.errors = errors
    this.locale = fallback
    this.languages = available
    this.localeFor = localeChooser(fallback, available)
    this.#messages = messages
    this.#own = new Set(Object.values(errors).map(({ definition }) => definition))
    this.docsUrl = docsUrl
    this.trustInbound = trustInbound
    this.#mappers = [...map]
    const { definition, code } = WellKnown.INTERNAL_SERVER_ERROR
    this.#lastResort = this.#newPlan(definition, code)
  }

  translate(error: unknown, request: ErrorRequest): ErrorAnswer {
    try {
      return this.#answer(resolve(error, this.errors, this.#mappers), request)
    } catch {
      return this.lastResort(request.traceId)
    }
  }

  lastResort(traceId: string): ErrorAnswer {
    const plan = this.#lastResort
    const { status, kind, code, level } = plan
    const { message, headers } = plan.in(this.locale)
    const detail = message(EMPTY_CONTEXT)
    const body = this.#body(traceId, code, detail, status, EMPTY_CONTEXT)
    const log = { status_code: status, detail, error_code: code, error_kind: kind }
    return { status, code, kind, retry: 'never', body, text: plan.textOf(body), headers, level, log }
  }

  #answer(resolved: Resolved, request: ErrorRequest): ErrorAnswer {
    const plan = this.#planOf(resolved)
    const { code, status, kind, retry, level } = plan
    const { context, problem } = wireContext(resolved.definition, resolved.context)
    const locale = this.localeFor(request.acceptLanguage)
    const requested = plan.in(locale)
    const message = requested.message(context)
    const plain = this.#body(request.traceId, code, message, status, context)
    const asProblem = prefersProblem(request.accept)
    const body = asProblem ? this.#problem(plain, code) : plain
    const headers = withHeadersOf(resolved, asProblem ? requested.problemHeaders : requested.headers)
    // Set one after the other: a spread for each optional field costs more than all fields.
    const log: Record<string, JsonValue | undefined> = {
      status_code: status,
      detail: locale === this.locale ? message : plan.in(this.locale).message(context),
      error_code: code,
      error_kind: kind,
    }
    if (context !== EMPTY_CONTEXT && hasKeys(context)) log['context'] = context
    if (problem !== undefined) log['context_problem'] = truncate(problem, 1_024)
    if (resolved.mapProblem !== undefined) log['map_problem'] = resolved.mapProblem
    if (resolved.internal !== undefined) log['internal'] = toJson(resolved.internal)
    if (kind === 'technical') addTechnicalFields(log, resolved.error)
    else addCause(log, resolved.error)
    const text = asProblem ? JSON.stringify(body) : plan.textOf(body)
    return { status, code, kind, retry, body, text, headers, level, log }
  }

  #planOf({ definition, code, isListed }: Resolved): AnswerPlan {
    const known = this.#plans.get(definition)
    // A service's entry for an error of the library may have another wire code. Both codes share the definition.
    if (known?.code === code) return known
    const plan = this.#newPlan(definition, code)
    // Others are made for one error: keeping them would only burden the garbage collector.
    if (isListed && known === undefined) this.#plans.set(definition, plan)
    return plan
  }

  #newPlan(definition: ErrorDefinition, code: string): AnswerPlan {
    const isOwn = this.#own.has(definition)
    const message = isOwn ? definition.message : messagesOf(definition, code, this.#messages)
    return new AnswerPlan(definition, code, this.service, this.locale, message)
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
      type: this.docsUrl === undefined ? 'about:blank' : pageOf(this.docsUrl, code),
      // RFC 9457, 4.2.1: the title of a problem of type about:blank is the phrase of its status.
      title: this.docsUrl === undefined ? phraseOf(body.status_code) : titleOf(code),
      status: body.status_code,
      detail: body.message,
      instance: `urn:trace:${body.trace_id}`,
      ...body,
    }
  }
}

/** The headers of an answer with those of its error. Most errors have none. */
function withHeadersOf(
  { headers, definition, retryAfterMs }: Resolved,
  shared: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const retryAfter = retryAfterSeconds(definition.status, retryAfterMs)
  if (headers === NO_HEADERS && retryAfter === undefined) return shared
  // An outage repeats this answer.
  if (headers === NO_HEADERS) return { ...shared, 'retry-after': String(retryAfter) }
  return { ...shared, ...headers, ...(retryAfter === undefined ? undefined : { 'retry-after': String(retryAfter) }) }
}

function hasKeys(context: Readonly<Record<string, JsonValue>>): boolean {
  for (const _ in context) return true
  return false
}

/** `Retry-After` in whole seconds, from 1 to one day. Only for 503 and 429, and only if the time is known. */
function retryAfterSeconds(status: number, retryAfterMs: unknown): number | undefined {
  if (status !== 503 && status !== 429) return undefined
  if (typeof retryAfterMs !== 'number' || !Number.isFinite(retryAfterMs)) return undefined
  return Math.max(1, Math.ceil(Math.min(retryAfterMs, DAY_MS) / 1_000))
}

/** Adds the cause of a business error, in short: its log line has no stack. */
function addCause(log: Record<string, JsonValue | undefined>, error: unknown): void {
  const cause = read(error, 'cause')
  if (cause !== undefined) log['error_cause'] = `${typeOf(cause)}: ${messageOf(cause)}`
}

/** The URL of the page that explains a code. */
function pageOf(docsUrl: string, code: string): string {
  return docsUrl.includes('{code}') ? docsUrl.replaceAll('{code}', code) : `${docsUrl}#${code}`
}

/** `ITEM_NOT_FOUND` as `Item not found`. */
function titleOf(code: string): string {
  const words = code.toLowerCase().replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
