import type { Context, MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import { Admin } from '../admin/admin.ts'
import { BODY_BYTES_MAX } from '../admin/command.ts'
import { ADMIN_HEADERS, type AdminOptions, serveAdmin } from '../admin/serve.ts'
import { parseLimited, readJson } from '../web/read-body.ts'
import { exchangeIn } from './context.ts'

/** Options of {@link adminRoutes} for Hono. */
export type HonoAdminOptions = AdminOptions<Context>

/**
 * Makes the middleware with which operators see and change the shields of the running process.
 *
 * - `GET /admin/shields`: the status of every live shield; `GET /admin/shields/:shield`: of one.
 * - `POST /admin/shields/:shield` and `POST /admin/shields/:shield/:policy` act, with the body
 *   `{ "action", "reason"?, "options"? }`.
 *
 * Each authorized request that acts writes one log line `admin.action`, also if it is refused. Nothing is acted on for a
 * page of another origin. The app needs {@link escudo}. `app.use('/internal/*', adminRoutes(…))` moves the routes.
 *
 * @param options.authorize receives Hono's context and returns the operator, or undefined: 401
 * @throws ConfigurationError for an invalid option, and without `authorize`
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { adminRoutes, escudo } from 'escudo/hono'
 * import { Hono } from 'hono'
 *
 * const contract = createErrorContract({ service: 'potion-shop', errors: defineErrors({}) })
 * const app = new Hono()
 * escudo(app, { contract })
 * const tokens = new Map([['s3cret-of-ana', 'ana']])
 * app.use(
 *   adminRoutes({
 *     contract,
 *     authorize: (c) => {
 *       const actor = tokens.get(c.req.header('authorization')?.replace('Bearer ', '') ?? '')
 *       return actor === undefined ? undefined : { actor }
 *     },
 *   }),
 * )
 * const headers = { host: 'localhost', authorization: 'Bearer s3cret-of-ana' }
 * console.log((await app.request('/admin/shields', { headers })).status) // 200
 * ```
 */
export function adminRoutes(options: HonoAdminOptions): MiddlewareHandler {
  const admin = new Admin(options)
  return async (context, next) => {
    const { req } = context
    const served = serveAdmin(admin, {
      request: context,
      method: req.method,
      path: pathUnder(routePath(context), new URL(req.url).pathname),
      headers: req.header(),
      exchange: exchangeIn(context)?.exchange,
      readBody: () => bodyOf(context),
    })
    return served === undefined ? await next() : context.json(await served, 200, ADMIN_HEADERS)
  }
}

/** The rest of a path under the one of the middleware, such as `/internal/*`. */
function pathUnder(pattern: string, path: string): string {
  const parts = pattern.split('/').filter((part) => part !== '' && part !== '*').length
  return `/${path
    .split('/')
    .slice(parts + 1)
    .join('/')}`
}

async function bodyOf(context: Context): Promise<unknown> {
  const { req } = context
  // A middleware that has read the body, such as a validator, has put it there.
  if (Object.keys(req.bodyCache).length > 0) {
    return parseLimited(new Uint8Array(await req.arrayBuffer()), req.raw.headers, BODY_BYTES_MAX)
  }
  return (await readJson(req.raw, exchangeIn(context)?.node, BODY_BYTES_MAX)).value
}
