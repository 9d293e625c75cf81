import type { Attributes, Span } from '@opentelemetry/api'
import { causesOf, messageOf, technicalFields, typeOf } from '../../errors/contract/log-fields.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { truncate } from '../../errors/to-json.ts'
import { isHarmless } from '../lines/harmless-text.ts'
import { REDACTED, redactText } from '../lines/secret-text.ts'

const TEXT_LENGTH_MAX = 2_048

/** Adds the event `exception` of the semantic conventions. Secrets in it are redacted as in log lines. */
export function recordException(span: Span, error: unknown, withStack: boolean): void {
  const stack = withStack ? technicalFields(error)['error_stack'] : undefined
  const attributes: Attributes = { 'exception.type': typeOf(error), 'exception.message': explained(error) }
  if (typeof stack === 'string') attributes['exception.stacktrace'] = redacted(stack)
  span.addEvent('exception', attributes)
}

/** The value of `error.type`: the code of the error, or the name of its class. */
export function errorTypeOf(error: unknown): string {
  return factsOf(error)?.code ?? typeOf(error)
}

/** The message of an error and of its causes: that of a failed `fetch` alone says nothing. */
export function explained(error: unknown): string {
  const causes = causesOf(error, false).map((cause) => (cause as { readonly message: string }).message)
  return attributeText([messageOf(error), ...causes].join(': '))
}

/** Text as an attribute: without secrets, as in log lines, and bounded. The SDK bounds no attribute by default. */
export function attributeText(text: string): string {
  if (isHarmless(text)) return text
  // Twice as much is searched, because a secret that the bound divides may not be recognised.
  return truncate(redacted(text.slice(0, 2 * TEXT_LENGTH_MAX)), TEXT_LENGTH_MAX)
}

function redacted(text: string): string {
  return redactText(text, () => REDACTED)
}
