import { WellKnown } from '../../errors/catalogue/well-known.ts'
import type { Mapper } from '../../errors/contract/resolve.ts'
import { isError, read } from '../../errors/safe-read.ts'
import { fromBusboy, fromMulter } from '../multipart-errors.ts'

/**
 * Mappers for the errors of popular middleware of Koa, for the option `map` of the error contract.
 *
 * - `@koa/multer`: 413 `PAYLOAD_TOO_LARGE` over a limit, 400 `BAD_REQUEST` for an unexpected field or a malformed body.
 * - `koa-ratelimit` with `throw: true`: 429 `RATE_LIMITED`, with the headers that it has set.
 *
 * The errors of `koa-bodyparser` and `@koa/bodyparser`, and those of `ctx.throw` with `expose`, need no mapper. The error
 * of `koa-ratelimit` is recognised by its stack: in a bundle it is 429 `TOO_MANY_REQUESTS`.
 *
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { frameworkPlugins } from 'escudo/koa'
 *
 * const Errors = defineErrors({ SOLD_OUT: { status: 409, message: 'Sold out.' } })
 * const contract = createErrorContract({ service: 'potion-shop', errors: Errors, map: [...frameworkPlugins()] })
 * ```
 */
export function frameworkPlugins(): readonly Mapper[] {
  return [fromMulter, fromBusboy, fromRateLimit]
}

/** `koa-ratelimit` calls `ctx.throw`. Its frame is right under that of Koa. */
function fromRateLimit(error: unknown): unknown {
  if (!isError(error) || read(error, 'status') !== 429 || read(error, 'expose') !== true) return undefined
  const frames = String(read(error, 'stack') ?? '')
    .slice(String(error.message).length)
    .split('\n', 4)
  if (!frames.some((frame) => /[\\/]koa-ratelimit[\\/]/.test(frame))) return undefined
  return new WellKnown.RATE_LIMITED(undefined, { cause: error })
}
