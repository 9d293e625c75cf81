import { type Finding, WellKnown, type WellKnownCode } from '../../errors/catalogue/well-known.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { isError, read } from '../../errors/safe-read.ts'
import { findingOf, validationError } from '../validation.ts'
import { genuineCode } from './genuine-error.ts'

// Fastify's error codes that a client can cause. All its other codes are bugs of the service.
const CODES: Readonly<Record<string, Exclude<WellKnownCode, 'VALIDATION_ERROR'>>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'PAYLOAD_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_ROUTE_MISSING_CONTENT_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'MALFORMED_JSON',
  FST_ERR_CTP_INVALID_JSON_BODY: 'MALFORMED_JSON',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'BAD_REQUEST',
  FST_ERR_BAD_URL: 'BAD_REQUEST',
  FST_ERR_MAX_PARAM_LENGTH: 'URI_TOO_LONG',
  FST_ERR_NOT_FOUND: 'ROUTE_NOT_FOUND',
  FST_ERR_HANDLER_TIMEOUT: 'DEADLINE_EXCEEDED',
}

/** Converts an error of Fastify to a well-known error. Returns any other error unchanged. */
export function fromFastifyError(error: unknown): unknown {
  if (factsOf(error) !== undefined) return error
  if (isError(error) && read(error, 'code') === 'FST_ERR_VALIDATION') return fromAjvError(error)
  const code = genuineCode(error)
  const known = code !== undefined && Object.hasOwn(CODES, code) ? CODES[code] : undefined
  return known === undefined ? error : new WellKnown[known](undefined, { cause: error })
}

/** Converts an error of Ajv, Fastify's validator for routes with a JSON Schema. */
function fromAjvError(error: Error): Error {
  const issues = read(error, 'validation')
  if (!Array.isArray(issues)) return error
  const part = partOf(read(error, 'validationContext'))
  return validationError(issues.map((issue) => findingOfAjv(part, issue)))
}

function findingOfAjv(part: string, issue: unknown): Finding {
  const missing = read(read(issue, 'params'), 'missingProperty')
  const pointer = String(read(issue, 'instancePath') ?? '')
  const path = pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
  const keys = typeof missing === 'string' ? [...path, missing] : path
  const code = typeof missing === 'string' ? 'required' : read(issue, 'keyword')
  const finding = { message: String(read(issue, 'message') ?? 'Invalid value'), path: keys, code }
  // The value is not passed: Ajv's messages describe the schema and never repeat the value.
  return { ...findingOf(part, finding, undefined), code: typeof code === 'string' ? code : 'invalid' }
}

function partOf(context: unknown): string {
  if (context === 'querystring') return 'query'
  return typeof context === 'string' ? context : 'body'
}
