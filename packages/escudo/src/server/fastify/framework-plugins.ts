import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { knownKeys } from '../../core/options/options.ts'
import type { ErrorDetails } from '../../errors/catalogue/definition.ts'
import { WellKnown } from '../../errors/catalogue/well-known.ts'
import type { Mapper } from '../../errors/contract/resolve.ts'
import { isError, read } from '../../errors/safe-read.ts'
import { isSendable } from '../node/raw-answers.ts'
import { PluginErrors } from '../plugin-errors.ts'
import { genuineCode } from './genuine-error.ts'

/** Options of {@link frameworkPlugins}. */
export interface FrameworkPluginsOptions {
  /** The scheme of a 401 of `@fastify/jwt`, sent as `WWW-Authenticate`. Default `Bearer`. */
  readonly challenge?: string
  /** The encodings that `@fastify/compress` accepts, if you limit them with its `requestEncodings`. Default: all of them. */
  readonly requestEncodings?: readonly string[]
}

const PATH = 'frameworkPlugins'
const REQUEST_ENCODINGS: readonly string[] = ['zstd', 'br', 'gzip', 'deflate', 'identity']

type Make = (details: ErrorDetails, options: Required<FrameworkPluginsOptions>) => Error

const unauthorized: Make = (details, { challenge }) =>
  new PluginErrors.UNAUTHORIZED(undefined, { ...details, headers: { 'www-authenticate': challenge } })
const tooLarge: Make = (details) => new WellKnown.PAYLOAD_TOO_LARGE(undefined, details)
const badRequest: Make = (details) => new WellKnown.BAD_REQUEST(undefined, details)

// The errors of each plugin that a client can cause. All others are bugs of the service, or faults of its machine.
const BY_CODE: Readonly<Record<string, Make>> = {
  // @fastify/jwt
  FST_JWT_NO_AUTHORIZATION_IN_HEADER: unauthorized,
  FST_JWT_NO_AUTHORIZATION_IN_COOKIE: unauthorized,
  FST_JWT_AUTHORIZATION_TOKEN_EXPIRED: unauthorized,
  FST_JWT_AUTHORIZATION_TOKEN_INVALID: unauthorized,
  FST_JWT_AUTHORIZATION_TOKEN_UNTRUSTED: unauthorized,
  FAST_JWT_MISSING_SIGNATURE: unauthorized,
  FST_JWT_BAD_REQUEST: badRequest,
  FST_JWT_BAD_COOKIE_REQUEST: badRequest,
  // @fastify/multipart
  FST_REQ_FILE_TOO_LARGE: tooLarge,
  FST_PARTS_LIMIT: tooLarge,
  FST_FILES_LIMIT: tooLarge,
  FST_FIELDS_LIMIT: tooLarge,
  FST_PROTO_VIOLATION: badRequest,
  FST_MP_PREMATURE_CLOSE: badRequest,
  FST_INVALID_JSON_FIELD_ERROR: (details) => new WellKnown.MALFORMED_JSON(undefined, details),
  FST_INVALID_MULTIPART_CONTENT_TYPE: (details) => new WellKnown.UNSUPPORTED_MEDIA_TYPE(undefined, details),
  // @fastify/under-pressure. It sets `Retry-After` itself.
  FST_UNDER_PRESSURE: (details) => new WellKnown.BULKHEAD_FULL(undefined, details),
  // @fastify/static. Its 404 is the not-found handler's, and its 416 is an http-error that the contract trusts.
  FST_STATIC_FORBIDDEN_PATH: (details) => new PluginErrors.FORBIDDEN(undefined, details),
  FST_STATIC_INVALID_REDIRECT_URL: badRequest,
}

/**
 * Mappers for the errors of popular Fastify plugins, for the option `map` of the error contract.
 *
 * Without them these errors are bugs: the contract believes no `statusCode`, because the error of a failed call to
 * another service can have one too. The mappers recognise the plugins' own errors, not their fields.
 *
 * - `@fastify/rate-limit`: 429 `RATE_LIMITED`, with the plugin's headers. A ban is 403 `FORBIDDEN`.
 * - `@fastify/jwt`: 401 `UNAUTHORIZED` with `WWW-Authenticate`; a malformed header is 400 `BAD_REQUEST`.
 * - `@fastify/multipart`: 413 `PAYLOAD_TOO_LARGE`; 415 for another content type; 400 for malformed parts.
 * - `@fastify/compress`: 415 `UNSUPPORTED_MEDIA_TYPE` with `Accept-Encoding`; 400 for a body that cannot be decoded.
 * - `@fastify/under-pressure`: 503 `BULKHEAD_FULL` with `Retry-After`.
 * - `@fastify/static`: 403 `FORBIDDEN` for a path that it refuses. 404 and 416 need no mapper.
 *
 * The errors of `@fastify/rate-limit` have no code: they are recognised by their stack. In a bundle, and with a custom
 * `errorResponseBuilder`, return `new WellKnown.RATE_LIMITED()` from that option instead.
 *
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { frameworkPlugins } from 'escudo/fastify'
 *
 * const Errors = defineErrors({ SOLD_OUT: { status: 409, message: 'Sold out.' } })
 * const contract = createErrorContract({ service: 'potion-shop', errors: Errors, map: [...frameworkPlugins()] })
 * ```
 */
export function frameworkPlugins(options: FrameworkPluginsOptions = {}): readonly Mapper[] {
  const settings = readOptions(options)
  const byCode: Mapper = (error) => {
    const code = genuineCode(error)
    return code !== undefined && Object.hasOwn(BY_CODE, code) ? BY_CODE[code]?.({ cause: error }, settings) : undefined
  }
  return [byCode, fromRateLimit, (error) => fromCompress(error, settings.requestEncodings)]
}

function readOptions(options: FrameworkPluginsOptions): Required<FrameworkPluginsOptions> {
  knownKeys(options, PATH, ['challenge', 'requestEncodings'])
  const { challenge = 'Bearer', requestEncodings = REQUEST_ENCODINGS } = options
  if (typeof challenge !== 'string' || !isSendable('www-authenticate', challenge)) {
    throw new ConfigurationError(`${PATH}.challenge`, `expected a header value, such as Bearer, got ${show(challenge)}`)
  }
  const isCoding = (name: unknown): boolean => typeof name === 'string' && /^[\w.-]+$/.test(name)
  if (!Array.isArray(requestEncodings) || !requestEncodings.every(isCoding)) {
    const path = `${PATH}.requestEncodings`
    throw new ConfigurationError(path, `expected content codings, such as gzip, got ${show(requestEncodings)}`)
  }
  return { challenge, requestEncodings: [...requestEncodings] }
}

/** `@fastify/rate-limit` throws a plain Error with a status. */
function fromRateLimit(error: unknown): unknown {
  if (!isError(error) || read(error, 'name') !== 'Error') return undefined
  const [, topFrame = ''] = String(read(error, 'stack') ?? '')
    .slice(String(error.message).length)
    .split('\n', 2)
  if (!/[\\/]@fastify[\\/]rate-limit[\\/]/.test(topFrame)) return undefined
  const status = read(error, 'statusCode')
  if (status === 429) return new WellKnown.RATE_LIMITED(undefined, { cause: error })
  return status === 403 ? new PluginErrors.FORBIDDEN(undefined, { cause: error }) : undefined
}

/** `@fastify/compress` has a class for its errors, and marks the error of a broken body with a reference to itself. */
function fromCompress(error: unknown, requestEncodings: readonly string[]): unknown {
  const isOwn = read(read(error, 'constructor'), 'name') === 'FastifyCompressError'
  if (!isError(error) || !(isOwn || read(error, 'decompressError') === error)) return undefined
  switch (read(error, 'code')) {
    case 'FST_CP_ERR_INVALID_CONTENT_ENCODING': {
      const headers = { 'accept-encoding': requestEncodings.join(', ') }
      return new WellKnown.UNSUPPORTED_MEDIA_TYPE(undefined, { cause: error, headers })
    }
    case 'FST_CP_ERR_INVALID_CONTENT':
      return new WellKnown.BAD_REQUEST(undefined, { cause: error })
    default:
      return undefined
  }
}
