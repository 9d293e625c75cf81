import type { Attributes } from '@opentelemetry/api'
import { type ShieldEvent, watchAll } from '../../core/events/events.ts'
import { lineNameOf, policyLine } from '../policy-lines.ts'
import { guarded, recordingSpan } from './span-context.ts'
import { attributeText, errorTypeOf, explained } from './span-errors.ts'

/** Adds the events of all policies to the span that is active when they happen. Returns a function that stops it. */
export function recordEvents(provider: object): () => void {
  return watchAll((event) => {
    guarded(provider, () => {
      recordingSpan()?.addEvent(`escudo.${lineNameOf(event).event}`, attributesOf(event))
    })
  })
}

/** The fields of the log line with names as in metrics: `escudo.shield`, `escudo.delay_ms`. */
function attributesOf(event: ShieldEvent): Attributes {
  const attributes: Attributes = {}
  const { error_type, error_code, error_message: _, ...fields } = policyLine(event).fields
  for (const [key, value] of Object.entries(fields)) {
    if (typeof value === 'string') attributes[`escudo.${key}`] = attributeText(value)
    else if (typeof value === 'number' || typeof value === 'boolean') attributes[`escudo.${key}`] = value
  }
  const type = error_code ?? error_type
  if (typeof type === 'string') attributes['error.type'] = type
  if ('error' in event && !('value' in event)) {
    attributes['error.type'] = errorTypeOf(event.error)
    attributes['escudo.error.message'] = explained(event.error)
  }
  return attributes
}
