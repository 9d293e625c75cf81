import type { FastifyInstance, FastifyPluginAsync, FastifyRequest, RouteShorthandOptions } from 'fastify'
import { WellKnown } from '../../errors/catalogue/well-known.ts'
import { Admin, type Attempt } from '../admin/admin.ts'
import { anySchema } from '../admin/any-schema.ts'
import { BODY, BODY_BYTES_MAX } from '../admin/command.ts'
import { ACTED, LIST, routeErrors, STATUS } from '../admin/documents.ts'
import type { AdminRoutesOptions } from '../admin/options.ts'
import { isDisconnected } from './answer.ts'
import { fromFastifyError } from './framework-errors.ts'
import { jsonParser } from './json-parser.ts'
import { type RouteInput, route } from './route.ts'

/** Options of {@link adminRoutes} for Fastify. */
export type FastifyAdminOptions = AdminRoutesOptions<FastifyRequest>

/**
 * Makes the Fastify plugin with which operators see and change the shields of the running process.
 *
 * - `GET /admin/shields`: the status of every live shield; `GET /admin/shields/:shield`: of one.
 * - `POST /admin/shields/:shield` and `POST /admin/shields/:shield/:policy` act, with the body
 *   `{ "action": "isolate" | "trip" | "reset" | "disable" | "enable" | "reconfigure", "reason"?, "options"? }`. Without a
 *   policy, `isolate`, `trip` and `reset` act on all circuit breakers of the shield, and `options` are by policy.
 *
 * Each authorized request that acts writes one log line `admin.action`, also if it is refused. Nothing is acted on for a
 * page of another origin. Register the plugin after {@link escudo}, whose error contract answers every error.
 *
 * @param options.authorize returns the operator, or undefined: 401
 * @throws ConfigurationError for an invalid option, and without `authorize`
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { adminRoutes, contractOptions, escudo } from 'escudo/fastify'
 * import Fastify from 'fastify'
 *
 * const contract = createErrorContract({ service: 'potion-shop', errors: defineErrors({}) })
 * const app = Fastify(contractOptions(contract))
 * await app.register(escudo, { contract })
 * const tokens = new Map([['s3cret-of-ana', 'ana']])
 * await app.register(
 *   adminRoutes({
 *     contract,
 *     authorize: ({ headers }) => {
 *       const actor = tokens.get(headers.authorization?.replace('Bearer ', '') ?? '')
 *       return actor === undefined ? undefined : { actor }
 *     },
 *   }),
 * )
 * const headers = { authorization: 'Bearer s3cret-of-ana' }
 * console.log((await app.inject({ url: '/admin/shields', headers })).json()) // { service: 'potion-shop', shields: [] }
 * ```
 */
export function adminRoutes(options: FastifyAdminOptions): FastifyPluginAsync {
  const admin = new Admin(options)
  const { security, tags } = options
  const documented = (input: RouteInput, ...more: Parameters<typeof routeErrors>): RouteShorthandOptions => {
    const errors = routeErrors(...more)
    const { config } = route({ ...input, errors, security, tags }, () => undefined)
    return { config: config ?? {}, bodyLimit: BODY_BYTES_MAX }
  }
  const list = documented({ summary: 'The status of every shield', response: LIST }, security, [])
  const one = { params: SHIELD_PATH }
  const status = documented({ ...one, summary: 'The status of a shield', response: STATUS }, security, ['shield'])
  const acting = { body: BODY, response: ACTED }
  const onShield = documented({ ...one, ...acting, summary: 'Change a shield' }, security, ['shield', 'breaker'])
  const onPolicy = documented({ params: POLICY_PATH, ...acting, summary: 'Change a policy of a shield' }, security, [
    'shield',
    'policy',
  ])
  return async (app) => {
    guard(app, admin)
    app.get('/admin/shields', list, async () => admin.list())
    app.get<{ Params: ShieldParams }>('/admin/shields/:shield', status, async ({ params }) => admin.show(params.shield))
    for (const [path, described] of [
      ['/admin/shields/:shield', onShield],
      ['/admin/shields/:shield/:policy', onPolicy],
    ] as const) {
      app.post(path, described, async (request) => admin.act(attempts.get(request) as Attempt, request.body))
    }
  }
}

type ShieldParams = { readonly shield: string; readonly policy?: string }

const NAME = { type: 'string', examples: ['inventory'] }
const SHIELD_PATH = anySchema<ShieldParams>({ type: 'object', required: ['shield'], properties: { shield: NAME } })
const POLICY_PATH = anySchema<ShieldParams>({
  type: 'object',
  required: ['shield', 'policy'],
  properties: { shield: NAME, policy: { type: 'string', examples: ['circuitBreaker'] } },
})

/** The client has disconnected before its request was complete. */
const incomplete = (): Error => new WellKnown.BAD_REQUEST()

/** The authorized requests that act. */
const attempts = new WeakMap<FastifyRequest, Attempt>()

/** Checks each request before its body is read, and logs those that fail after they were authorized. */
function guard<R>(app: FastifyInstance, admin: Admin<R>): void {
  // Whatever the application parses: a form or a text, which a page of another origin can send, is 415 here.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, jsonParser(app))
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    admin.checkOrigin(request.headers)
    const actor = await admin.actorOf(request as R)
    if (request.method !== 'POST') return
    const { shield, policy } = request.params as ShieldParams
    attempts.set(request, admin.attempt(actor, { shield, policy }, request.log))
  })
  app.setErrorHandler((error, request, reply) => {
    const attempt = attempts.get(request)
    if (attempt !== undefined) admin.refuse(attempt, isDisconnected(request) ? incomplete() : fromFastifyError(error))
    // To the error handler of the application.
    return reply.send(error)
  })
}
