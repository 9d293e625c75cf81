import type { ErrorBody } from '../body/body.ts'
import { kindOf, retryOf } from '../catalogue/catalogue.ts'
import type { ErrorDefinition } from '../catalogue/definition.ts'
import { compile, type Template } from '../catalogue/template.ts'
import type { Kind, LogLevel } from '../error-facts.ts'
import { EMPTY_CONTEXT } from './context.ts'
import type { Locale } from './negotiation.ts'

/** A message in one language, and the headers of its answers. */
interface LocalizedPlan {
  readonly message: Template
  readonly headers: Readonly<Record<string, string>>
  /** The headers of an answer in the form of RFC 9457. */
  readonly problemHeaders: Readonly<Record<string, string>>
}

/** What all answers with one code and one definition have in common. Made once for each entry of a catalogue. */
export class AnswerPlan {
  readonly code: string
  readonly status: number
  readonly kind: Kind
  readonly retry: 'never' | 'safe'
  readonly level: LogLevel
  readonly #locales: Readonly<Record<Locale, LocalizedPlan>>
  // The fixed parts of the body: between trace id and message, between message and context.
  readonly #beforeMessage: string
  readonly #beforeContext: string

  constructor(definition: ErrorDefinition, code: string, service: string) {
    this.code = code
    this.status = definition.status
    this.kind = kindOf(definition)
    this.retry = retryOf(definition)
    this.level = levelOf(definition)
    this.#locales = { es: localized(definition, 'es', 'en'), en: localized(definition, 'en', 'es') }
    this.#beforeMessage = `,"error_code":${JSON.stringify(code)},"message":`
    this.#beforeContext = `,"status_code":${this.status},"service_name":${JSON.stringify(service)},"context":`
  }

  /** The plan for a language, or for the other one if there is no translation. */
  in(locale: Locale): LocalizedPlan {
    return this.#locales[locale]
  }

  /** The body as JSON: what `JSON.stringify` returns. */
  textOf({ trace_id, message, context }: ErrorBody): string {
    const start = `{"trace_id":${JSON.stringify(trace_id)}${this.#beforeMessage}${JSON.stringify(message)}`
    return `${start}${this.#beforeContext}${context === EMPTY_CONTEXT ? '{}' : JSON.stringify(context)}}`
  }
}

function localized({ message }: ErrorDefinition, requested: Locale, other: Locale): LocalizedPlan {
  const locale = typeof message === 'string' || message[requested] !== undefined ? requested : other
  return {
    message: compile(typeof message === 'string' ? message : (message[locale] ?? '')),
    headers: headersOf('application/json; charset=utf-8', locale),
    problemHeaders: headersOf('application/problem+json', locale),
  }
}

/** Frozen, because all answers share them. */
function headersOf(contentType: string, locale: Locale): Readonly<Record<string, string>> {
  return Object.freeze({
    'content-type': contentType,
    'content-language': locale,
    'cache-control': 'no-store',
    vary: 'Accept, Accept-Language',
  })
}

function levelOf(definition: ErrorDefinition): LogLevel {
  if (definition.level !== undefined) return definition.level
  if ([401, 403, 429].includes(definition.status)) return 'warning'
  return kindOf(definition) === 'technical' ? 'error' : 'info'
}
