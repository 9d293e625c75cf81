import { Admin } from '../admin/admin.ts'
import { BODY_BYTES_MAX } from '../admin/command.ts'
import { ADMIN_HEADERS, type AdminOptions, serveAdmin } from '../admin/serve.ts'
import { readJson } from './read-body.ts'
import { exchangeOfRequest } from './request.ts'

/** Options of {@link adminRoutes} for web standards. */
export type WebAdminOptions = AdminOptions<Request>

/**
 * Makes the function with which operators see and change the shields of the running process.
 *
 * - `GET /admin/shields`: the status of every live shield; `GET /admin/shields/:shield`: of one.
 * - `POST /admin/shields/:shield` and `POST /admin/shields/:shield/:policy` act, with the body
 *   `{ "action", "reason"?, "options"? }`.
 *
 * Each authorized request that acts writes one log line `admin.action`, also if it is refused. Nothing is acted on for a
 * page of another origin. Call it inside a handler of {@link escudo}.
 *
 * @param options.authorize returns the operator, or undefined: 401
 * @returns a function that returns undefined for any other path
 * @throws ConfigurationError for an invalid option, and without `authorize`
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { adminRoutes, escudo } from 'escudo/web'
 *
 * const contract = createErrorContract({ service: 'potion-shop', errors: defineErrors({}) })
 * const tokens = new Map([['s3cret-of-ana', 'ana']])
 * const admin = adminRoutes({
 *   contract,
 *   authorize: ({ headers }) => {
 *     const actor = tokens.get(headers.get('authorization')?.replace('Bearer ', '') ?? '')
 *     return actor === undefined ? undefined : { actor }
 *   },
 * })
 * const { handler } = escudo({ contract })
 * const fetch = handler(async (request) => (await admin(request)) ?? new Response('potion'))
 * console.log((await fetch(new Request('http://localhost/admin/shields'))).status) // 403: without a Host header
 * ```
 */
export function adminRoutes(options: WebAdminOptions): (request: Request) => Promise<Response | undefined> {
  const admin = new Admin(options)
  return async (request) => {
    const { method, url, headers } = request
    const begun = exchangeOfRequest(request)
    const served = serveAdmin(admin, {
      request,
      method,
      path: new URL(url).pathname,
      headers: Object.fromEntries(headers),
      exchange: begun?.exchange,
      readBody: async () => (await readJson(request, begun?.node, BODY_BYTES_MAX)).value,
    })
    return served === undefined ? undefined : Response.json(await served, { headers: ADMIN_HEADERS })
  }
}
