import type { ErrorBody } from '../body/body.ts'
import { kindOf, retryOf } from '../catalogue/catalogue.ts'
import type { ErrorDefinition, Messages } from '../catalogue/definition.ts'
import { compile, type Template } from '../catalogue/template.ts'
import type { Kind, LogLevel } from '../error-facts.ts'
import { EMPTY_CONTEXT } from './context.ts'

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
  readonly #message: Messages
  readonly #fallback: string
  /** By the language of the request. Bounded, because the contract chooses among its languages. */
  readonly #locales = new Map<string, LocalizedPlan>()
  // The fixed parts of the body: between trace id and message, between message and context.
  readonly #beforeMessage: string
  readonly #beforeContext: string

  /** @param fallback the language of a message that is one string, and the first choice without a translation */
  constructor(definition: ErrorDefinition, code: string, service: string, fallback: string, message: Messages) {
    this.code = code
    this.status = definition.status
    this.kind = kindOf(definition)
    this.retry = retryOf(definition)
    this.level = levelOf(definition)
    this.#message = message
    this.#fallback = fallback
    this.#beforeMessage = `,"error_code":${JSON.stringify(code)},"message":`
    this.#beforeContext = `,"status_code":${this.status},"service_name":${JSON.stringify(service)},"context":`
  }

  /** The plan for a language, or for another one if there is no translation. */
  in(locale: string): LocalizedPlan {
    let plan = this.#locales.get(locale)
    if (plan === undefined) {
      plan = localized(this.#message, locale, this.#fallback)
      this.#locales.set(locale, plan)
    }
    return plan
  }

  /** The body as JSON: what `JSON.stringify` returns. */
  textOf({ trace_id, message, context }: ErrorBody): string {
    const start = `{"trace_id":${quoted(trace_id)}${this.#beforeMessage}${quoted(message)}`
    return `${start}${this.#beforeContext}${context === EMPTY_CONTEXT ? '{}' : JSON.stringify(context)}}`
  }
}

// Text that needs no escape, as most of it.
const PLAIN = /^[ !#-[\]-~\u00a1-\u024f]*$/

function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text)
}

function localized(message: Messages, requested: string, fallback: string): LocalizedPlan {
  const [locale, text] = typeof message === 'string' ? [fallback, message] : translation(message, requested, fallback)
  return {
    message: compile(text),
    headers: headersOf('application/json; charset=utf-8', locale),
    problemHeaders: headersOf('application/problem+json', locale),
  }
}

function translation(
  texts: Readonly<Record<string, string>>,
  requested: string,
  fallback: string,
): readonly [locale: string, text: string] {
  for (const locale of [requested, fallback, 'en', ...Object.keys(texts)]) {
    const text = Object.hasOwn(texts, locale) ? texts[locale] : undefined
    if (text !== undefined) return [locale, text]
  }
  return [fallback, '']
}

/** Frozen, because all answers share them. */
function headersOf(contentType: string, locale: string): Readonly<Record<string, string>> {
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
