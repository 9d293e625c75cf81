import { WellKnown } from '../../errors/catalogue/well-known.ts'
import type { Mapper } from '../../errors/contract/resolve.ts'
import { fromBusboy, fromMulter } from '../multipart-errors.ts'

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
