import type { Attributes, Span } from '@opentelemetry/api'
import { causesOf, messageOf, technicalFields, typeOf } from '../../errors/contract/log-fields.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { truncate } from '../../errors/to-json.ts'
import { REDACTED, redactText } from '../lines/secret-text.ts'

const MESSAGE_LENGTH_MAX = 2_048

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
  return truncate(redacted([messageOf(error), ...causes].join(': ')), MESSAGE_LENGTH_MAX)
}

export function redacted(text: string): string {
  return redactText(text, () => REDACTED)
}
