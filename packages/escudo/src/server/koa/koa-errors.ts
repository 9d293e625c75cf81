import { WellKnown } from '../../errors/catalogue/well-known.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { isError, read } from '../../errors/safe-read.ts'
import { phraseOf } from '../../errors/status.ts'
import { fromBodyParser } from '../body-parser-errors.ts'
import { routeError } from '../not-found.ts'
import type { KoaContext } from './application.ts'
import { methodsFor } from './methods.ts'

/** Converts an error of Koa, its router or its body parsers. Returns any other thrown value unchanged. */
export function fromKoaError(thrown: unknown, context: KoaContext): unknown {
  if (!isError(thrown) || factsOf(thrown) !== undefined) return thrown
  return (
    fromBodyParser(thrown) ??
    fromCoBody(thrown) ??
    fromInflation(thrown, context) ??
    fromRouter(thrown, context) ??
    fromSend(thrown) ??
    thrown
  )
}

/** `co-body` sets the status of an error of `JSON.parse` or `qs`, and the whole body. */
function fromCoBody(error: Error): Error | undefined {
  if (read(error, 'status') !== 400 || typeof read(error, 'body') !== 'string') return undefined
  const name = read(error, 'name')
  if (name === 'SyntaxError') return new WellKnown.MALFORMED_JSON(undefined, { cause: error })
  return name === 'RangeError' ? new WellKnown.BAD_REQUEST(undefined, { cause: error }) : undefined
}

// What zlib reports of bytes that it cannot decompress.
const UNREADABLE = /^(?:Z_DATA_ERROR|Z_BUF_ERROR|ERR_+(?:ERROR_FORMAT|BROTLI).*)$/

/** `inflation` decompresses the bodies of requests. */
function fromInflation(error: Error, { req, request }: KoaContext): Error | undefined {
  const message = read(error, 'message')
  const isUnsupported = typeof message === 'string' && message.startsWith('Unsupported Content-Encoding: ')
  if (isUnsupported && read(error, 'status') === 415) {
    return new WellKnown.UNSUPPORTED_MEDIA_TYPE(undefined, {
      cause: error,
      headers: { 'accept-encoding': 'gzip, deflate, br' },
    })
  }
  // The error has no mark. The body of this request is compressed, and was not parsed.
  const code = read(error, 'code')
  const isUnparsed = req.headers['content-encoding'] !== undefined && request.body === undefined
  return isUnparsed && typeof code === 'string' && UNREADABLE.test(code)
    ? new WellKnown.BAD_REQUEST(undefined, { cause: error })
    : undefined
}

/** `allowedMethods({ throw: true })` of the router throws a 405 without `Allow`. */
function fromRouter(error: Error, context: KoaContext): Error | undefined {
  const isMethodError = read(error, 'status') === 405 && read(error, 'expose') === true
  const methods = isMethodError && read(error, 'headers') === undefined ? methodsFor(context) : []
  return methods.length === 0 ? undefined : routeError(context.method, methods)
}

/** `koa-send` gives the error of a missing file the status 404. */
function fromSend(error: Error): Error | undefined {
  const isMissing = read(error, 'status') === 404 && read(error, 'expose') === true
  if (!isMissing || read(error, 'syscall') === undefined) return undefined
  return new WellKnown.ROUTE_NOT_FOUND(undefined, { cause: error })
}

/** The error of a status that was set without a body. */
export function statusError(status: number): Error {
  if (status === 500) return new Error('the status 500 was set without a body')
  return Object.assign(new Error(phraseOf(status)), { status, statusCode: status, expose: true })
}
