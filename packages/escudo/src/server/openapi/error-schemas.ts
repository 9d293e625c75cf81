import type { JsonObject } from './description.ts'
import type { ListedError } from './listed-error.ts'

// The JSON Schemas of the one error body: one for each code, and one for the form of RFC 9457.

const TRACE_ID = {
  type: 'string',
  pattern: '^[0-9a-f]{32}$',
  description: 'Equals the header `X-Trace-ID`, and stands in every log line of the request.',
}
const MESSAGE = { type: 'string', description: 'For people, in the language that `Accept-Language` asks for.' }
const REQUIRED = ['trace_id', 'error_code', 'message', 'status_code', 'service_name', 'context']

const WHO = { business: 'The client can act.', technical: 'The service is at fault.' } as const
const AGAIN = {
  never: 'Sending the same request again does not help.',
  safe: 'The same request may be sent again, where its method is safe to repeat.',
} as const

/**
 * The schema of a code. Several entries may share it: then each of their statuses and contexts fits.
 *
 * @param contexts the schemas of the entries' contexts, each of them once; undefined for one that is always empty
 */
export function codeSchema(
  code: string,
  entries: readonly ListedError[],
  contexts: readonly (JsonObject | undefined)[],
  service: string,
): JsonObject {
  const [{ kind, retry }] = entries as readonly [ListedError]
  const statuses = [...new Set(entries.map(({ status }) => status))]
  const messages = [...new Set(entries.flatMap(({ examples }) => examples.map(({ body }) => `- ${body.message}`)))]
  const choices = contexts.map((context) => context ?? { type: 'object', maxProperties: 0 })
  return {
    type: 'object',
    title: code,
    description: `${kind === 'business' ? 'Business' : 'Technical'} error. ${WHO[kind]} ${AGAIN[retry]}\n\n${messages.join('\n')}`,
    required: REQUIRED,
    properties: {
      trace_id: TRACE_ID,
      error_code: { type: 'string', const: code },
      message: MESSAGE,
      status_code:
        statuses.length === 1 ? { type: 'integer', const: statuses[0] } : { type: 'integer', enum: statuses },
      service_name: { type: 'string', const: service },
      context: choices.length === 1 ? choices[0] : { anyOf: choices },
    },
  }
}

/** The schema of an error for clients that prefer `application/problem+json`: RFC 9457, the six keys as extensions. */
export const PROBLEM: JsonObject = {
  type: 'object',
  title: 'Problem',
  description: 'RFC 9457, with the six keys of the other form as extensions.',
  required: ['type', 'title', 'status', 'detail', 'instance', ...REQUIRED],
  properties: {
    type: { type: 'string', format: 'uri-reference' },
    title: { type: 'string' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    detail: MESSAGE,
    instance: { type: 'string', pattern: '^urn:trace:[0-9a-f]{32}$' },
    trace_id: TRACE_ID,
    error_code: { type: 'string' },
    message: MESSAGE,
    status_code: { type: 'integer', minimum: 400, maximum: 599 },
    service_name: { type: 'string' },
    context: { type: 'object' },
  },
}
