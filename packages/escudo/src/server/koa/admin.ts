import type { Context, Next } from 'koa'
import { Admin } from '../admin/admin.ts'
import { BODY_BYTES_MAX } from '../admin/command.ts'
import { ADMIN_HEADERS, type AdminOptions, serveAdmin } from '../admin/serve.ts'
import { existingExchange } from '../node/exchanges.ts'
import { readParsed } from '../node/read-json.ts'

/** Options of {@link adminRoutes} for Koa. */
export type KoaAdminOptions = AdminOptions<Context>

/**
 * Makes the middleware with which operators see and change the shields of the running process.
 *
 * - `GET /admin/shields`: the status of every live shield; `GET /admin/shields/:shield`: of one.
 * - `POST /admin/shields/:shield` and `POST /admin/shields/:shield/:policy` act, with the body
 *   `{ "action", "reason"?, "options"? }`.
 *
 * Each authorized request that acts writes one log line `admin.action`, also if it is refused. Nothing is acted on for a
 * page of another origin. The application needs {@link escudo}.
 *
 * @param options.authorize receives Koa's context and returns the operator, or undefined: 401
 * @throws ConfigurationError for an invalid option, and without `authorize`
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { adminRoutes, escudo } from 'escudo/koa'
 * import Koa from 'koa'
 *
 * const contract = createErrorContract({ service: 'potion-shop', errors: defineErrors({}) })
 * const app = new Koa()
 * escudo(app, { contract })
 * const tokens = new Map([['s3cret-of-ana', 'ana']])
 * app.use(
 *   adminRoutes({
 *     contract,
 *     authorize: (ctx) => {
 *       const actor = tokens.get(ctx.get('authorization').replace('Bearer ', ''))
 *       return actor === undefined ? undefined : { actor }
 *     },
 *   }),
 * )
 * ```
 */
export function adminRoutes(options: KoaAdminOptions): (context: Context, next: Next) => Promise<void> {
  const admin = new Admin(options)
  return async (context, next) => {
    const { method, path, headers, req } = context
    const { body } = context.request as { readonly body?: unknown }
    const served = serveAdmin(admin, {
      request: context,
      method,
      path,
      headers,
      exchange: existingExchange(req),
      readBody: () => readParsed(req, body, BODY_BYTES_MAX),
    })
    if (served === undefined) {
      await next()
      return
    }
    const answer = await served
    context.set(ADMIN_HEADERS)
    context.body = answer
  }
}
