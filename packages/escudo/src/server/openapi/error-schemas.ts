import type { JsonObject } from './description.ts'
import type { ListedError } from './listed-error.ts'

// The JSON Schemas of the error body: one per code, and one for RFC 9457.

const TRACE_ID = {
  type: 'string',
  pattern: '^[0-9a-f]{32}$',
  description: 'The same as the header `X-Trace-ID`. Every log line of the request has it.',
}
const MESSAGE = { type: 'string', description: 'For human readers. The language is negotiated from `Accept-Language`.' }
const REQUIRED = ['trace_id', 'error_code', 'message', 'status_code', 'service_name', 'context']

const RESPONSIBILITY = { business: 'The client can act.', technical: 'The service is at fault.' } as const
const RETRY_ADVICE = {
  never: 'Sending the same request again does not help.',
  safe: 'The same request may be sent again if its method is idempotent.',
} as const

/**
 * Makes the schema of a code. If several entries share the code, the schema accepts the statuses and contexts of each.
 *
 * @param contexts the distinct context schemas of the entries; undefined for a context that is always empty
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
    description: `${kind === 'business' ? 'Business' : 'Technical'} error. ${RESPONSIBILITY[kind]} ${RETRY_ADVICE[retry]}\n\n${messages.join('\n')}`,
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

/** The schema of any error, whatever its code. */
export const ANY_ERROR: JsonObject = {
  type: 'object',
  title: 'AnyError',
  description: 'The body of every error.',
  required: REQUIRED,
  properties: {
    trace_id: TRACE_ID,
    error_code: { type: 'string' },
    message: MESSAGE,
    status_code: { type: 'integer', minimum: 400, maximum: 599 },
    service_name: { type: 'string' },
    context: { type: 'object' },
  },
}

/** The schema of an error as `application/problem+json` (RFC 9457), with the six keys as extensions. */
export const PROBLEM: JsonObject = {
  type: 'object',
  title: 'Problem',
  description: 'RFC 9457, with the six keys of the JSON form as extensions.',
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
