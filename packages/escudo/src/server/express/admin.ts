import type { Request, RequestHandler } from 'express'
import { Admin } from '../admin/admin.ts'
import { BODY_BYTES_MAX } from '../admin/command.ts'
import { ADMIN_HEADERS, type AdminOptions, serveAdmin } from '../admin/serve.ts'
import { existingExchange } from '../node/exchanges.ts'
import { readParsed } from '../node/read-json.ts'

/** Options of {@link adminRoutes} for Express. */
export type ExpressAdminOptions = AdminOptions<Request>

/**
 * Makes the middleware with which operators see and change the shields of the running process.
 *
 * - `GET /admin/shields`: the status of every live shield; `GET /admin/shields/:shield`: of one.
 * - `POST /admin/shields/:shield` and `POST /admin/shields/:shield/:policy` act, with the body
 *   `{ "action", "reason"?, "options"? }`.
 *
 * Each authorized request that acts writes one log line `admin.action`, also if it is refused. Nothing is acted on for a
 * page of another origin. Add it between the parts `first` and `last` of {@link escudo}.
 *
 * @param options.authorize returns the operator, or undefined: 401
 * @throws ConfigurationError for an invalid option, and without `authorize`
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { adminRoutes, escudo } from 'escudo/express'
 * import express from 'express'
 *
 * const contract = createErrorContract({ service: 'potion-shop', errors: defineErrors({}) })
 * const { first, last } = escudo({ contract })
 * const tokens = new Map([['s3cret-of-ana', 'ana']])
 * const admin = adminRoutes({
 *   contract,
 *   authorize: ({ headers }) => {
 *     const actor = tokens.get(headers.authorization?.replace('Bearer ', '') ?? '')
 *     return actor === undefined ? undefined : { actor }
 *   },
 * })
 * const app = express()
 * app.use(first, admin, last)
 * ```
 */
export function adminRoutes(options: ExpressAdminOptions): RequestHandler {
  const admin = new Admin(options)
  return async (request, response, next) => {
    const { method, path, headers } = request
    const readBody = (): Promise<unknown> => readParsed(request, request.body, BODY_BYTES_MAX)
    const served = serveAdmin(admin, { request, method, path, headers, exchange: existingExchange(request), readBody })
    if (served === undefined) next()
    else response.set(ADMIN_HEADERS).json(await served)
  }
}
