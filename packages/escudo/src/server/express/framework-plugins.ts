import { WellKnown } from '../../errors/catalogue/well-known.ts'
import type { Mapper } from '../../errors/contract/resolve.ts'
import { isError, read } from '../../errors/safe-read.ts'

const TOO_LARGE: readonly unknown[] = [
  'LIMIT_PART_COUNT',
  'LIMIT_FILE_SIZE',
  'LIMIT_FILE_COUNT',
  'LIMIT_FIELD_KEY',
  'LIMIT_FIELD_VALUE',
  'LIMIT_FIELD_COUNT',
]
const MALFORMED: readonly unknown[] = [
  'LIMIT_UNEXPECTED_FILE',
  'LIMIT_FIELD_NESTING',
  'LIMIT_FIELD_ARRAY_INDEX',
  'MISSING_FIELD_NAME',
  'INVALID_FIELD_NAME',
]
// busboy throws plain errors for bodies that it cannot read.
const BUSBOY: readonly unknown[] = [
  'Malformed part header',
  'Unexpected end of form',
  'Malformed content type',
  'Multipart: Boundary not found',
]

/**
 * Mappers for the errors of popular middleware of Express, for the option `map` of the error contract.
 *
 * - `multer`: 413 `PAYLOAD_TOO_LARGE` over a limit, 400 `BAD_REQUEST` for an unexpected field or a malformed body.
 *
 * The errors of `express.json()` and the other body parsers, and those of `http-errors` with `expose`, need no mapper.
 * `express-rate-limit` throws nothing: give it {@link rateLimitHandler}.
 *
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { frameworkPlugins } from 'escudo/express'
 *
 * const Errors = defineErrors({ SOLD_OUT: { status: 409, message: 'Sold out.' } })
 * const contract = createErrorContract({ service: 'potion-shop', errors: Errors, map: [...frameworkPlugins()] })
 * ```
 */
export function frameworkPlugins(): readonly Mapper[] {
  return [fromMulter, fromBusboy]
}

function fromMulter(error: unknown): unknown {
  // Its own class sets the name from itself.
  if (!isError(error) || read(error, 'name') !== 'MulterError') return undefined
  if (read(read(error, 'constructor'), 'name') !== 'MulterError') return undefined
  const code = read(error, 'code')
  if (TOO_LARGE.includes(code)) return new WellKnown.PAYLOAD_TOO_LARGE(undefined, { cause: error })
  return MALFORMED.includes(code) ? new WellKnown.BAD_REQUEST(undefined, { cause: error }) : undefined
}

function fromBusboy(error: unknown): unknown {
  if (!isError(error) || !BUSBOY.includes(read(error, 'message'))) return undefined
  const [, ...frames] = String(read(error, 'stack') ?? '').split('\n')
  const isOwn = frames.some((frame) => /[\\/](?:@fastify[\\/])?busboy[\\/]/.test(frame))
  return isOwn ? new WellKnown.BAD_REQUEST(undefined, { cause: error }) : undefined
}

/**
 * The option `handler` of `express-rate-limit`: answers 429 `RATE_LIMITED`, with the headers that the limiter has set.
 *
 * @example
 * ```ts
 * import { rateLimitHandler } from 'escudo/express'
 * import { rateLimit } from 'express-rate-limit'
 *
 * const limiter = rateLimit({ windowMs: 60_000, limit: 100, handler: rateLimitHandler })
 * console.log(typeof limiter) // function
 * ```
 */
export function rateLimitHandler(_request: unknown, _response: unknown, next: (error: unknown) => void): void {
  next(new WellKnown.RATE_LIMITED())
}
