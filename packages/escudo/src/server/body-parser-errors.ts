import { WellKnown, type WellKnownCode } from '../errors/catalogue/well-known.ts'
import { read } from '../errors/safe-read.ts'
import { PluginErrors } from './plugin-errors.ts'

type Code = Exclude<WellKnownCode, 'VALIDATION_ERROR'>

// The errors of raw-body and body-parser that a client can cause, by their `type`, with their status. Their messages
// repeat parts of the body, and the property `body` is the whole one.
const BODY_ERRORS: Readonly<Record<string, readonly [status: number, code: Code]>> = {
  'charset.unsupported': [415, 'UNSUPPORTED_MEDIA_TYPE'],
  'encoding.unsupported': [415, 'UNSUPPORTED_MEDIA_TYPE'],
  'entity.parse.failed': [400, 'MALFORMED_JSON'],
  'entity.too.large': [413, 'PAYLOAD_TOO_LARGE'],
  'parameters.too.many': [413, 'PAYLOAD_TOO_LARGE'],
  'querystring.parse.rangeError': [400, 'BAD_REQUEST'],
  'request.size.invalid': [400, 'BAD_REQUEST'],
}

/** Converts an error of a body parser that reads with raw-body, on Express and on Koa. Undefined for any other error. */
export function fromBodyParser(error: Error): Error | undefined {
  const type = read(error, 'type')
  if (typeof type !== 'string' || read(error, 'expose') !== true) return undefined
  const [status, code] = (Object.hasOwn(BODY_ERRORS, type) ? BODY_ERRORS[type] : undefined) ?? []
  if (code !== undefined && read(error, 'status') === status) return new WellKnown[code](undefined, { cause: error })
  // A `verify` function of the service rejected the body.
  if (type === 'entity.verify.failed') return new PluginErrors.FORBIDDEN(undefined, { cause: error })
  // `createError(400, error)` keeps the code of a client that disconnected.
  if (type === 'request.aborted') return Object.assign(new Error('aborted', { cause: error }), { code: 'ECONNRESET' })
  return undefined
}
