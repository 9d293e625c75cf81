import { WellKnown, type WellKnownCode } from '../../errors/catalogue/well-known.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { isError, read } from '../../errors/safe-read.ts'
import { PluginErrors } from '../plugin-errors.ts'
import { thrownValueOf } from './thrown-value.ts'

type Code = Exclude<WellKnownCode, 'VALIDATION_ERROR'>

// The errors of body-parser that a client can cause, by their `type`, with their status. Their messages repeat parts of
// the body, and the property `body` is the whole one.
const BODY_ERRORS: Readonly<Record<string, readonly [status: number, code: Code]>> = {
  'charset.unsupported': [415, 'UNSUPPORTED_MEDIA_TYPE'],
  'encoding.unsupported': [415, 'UNSUPPORTED_MEDIA_TYPE'],
  'entity.parse.failed': [400, 'MALFORMED_JSON'],
  'entity.too.large': [413, 'PAYLOAD_TOO_LARGE'],
  'parameters.too.many': [413, 'PAYLOAD_TOO_LARGE'],
  'querystring.parse.rangeError': [400, 'BAD_REQUEST'],
  'request.size.invalid': [400, 'BAD_REQUEST'],
}

/** Converts an error of Express or of its body parsers. Returns any other thrown value unchanged. */
export function fromExpressError(error: unknown): unknown {
  const thrown = thrownValueOf(error)
  if (!isError(thrown) || factsOf(thrown) !== undefined) return thrown
  const type = read(thrown, 'type')
  if (typeof type === 'string' && read(thrown, 'expose') === true) {
    const [status, code] = (Object.hasOwn(BODY_ERRORS, type) ? BODY_ERRORS[type] : undefined) ?? []
    if (code !== undefined && read(thrown, 'status') === status)
      return new WellKnown[code](undefined, { cause: thrown })
    // A `verify` function of the service rejected the body.
    if (type === 'entity.verify.failed') return new PluginErrors.FORBIDDEN(undefined, { cause: thrown })
    // `createError(400, error)` keeps the code of a client that disconnected.
    if (type === 'request.aborted')
      return Object.assign(new Error('aborted', { cause: thrown }), { code: 'ECONNRESET' })
  }
  if (isMissingFile(thrown)) return new WellKnown.ROUTE_NOT_FOUND(undefined, { cause: thrown })
  return isUndecodable(thrown) ? new WellKnown.BAD_REQUEST(undefined, { cause: thrown }) : thrown
}

/** The error of the router for a parameter that cannot be decoded: a URIError with a status. */
function isUndecodable(error: Error): boolean {
  const message = read(error, 'message')
  const isOfRouter = typeof message === 'string' && message.startsWith('Failed to decode param ')
  return read(error, 'name') === 'URIError' && read(error, 'status') === 400 && isOfRouter
}

const MISSING: readonly unknown[] = ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']

/** The error of `sendFile` for a missing file: that of the file system, with a status and without `expose`. */
function isMissingFile(error: Error): boolean {
  const isOfSend = read(error, 'status') === 404 && read(error, 'expose') === false
  return isOfSend && MISSING.includes(read(error, 'code')) && read(error, 'syscall') !== undefined
}
