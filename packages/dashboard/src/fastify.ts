import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { hostNames, isKnownHost } from './embed/hosts.ts'
import { countedLines } from './embed/registry.ts'
import { folderLink, linkFrom, pathBelow } from './embed/request-path.ts'
import { ServiceLog } from './embed/service-log.ts'
import { createPages } from './server/pages.ts'
import { FileSource } from './source/file-source.ts'

export type { ServiceLogOptions } from './embed/service-log.ts'
export { ServiceLog } from './embed/service-log.ts'

/** What a guard returns for a request that may see the page. */
export interface DashboardVisitor {
  /** The name of the person or program. */
  readonly actor: string
}

/** Options of {@link dashboardRoutes}. */
export interface DashboardOptions {
  /** The lines that the page shows. */
  readonly lines: ServiceLog
  /**
   * The service's guard. It returns the actor, or undefined for a request without credentials, which gets 401. For an
   * actor without permission it throws the service's error. It may set headers of the reply, such as `www-authenticate`.
   */
  readonly authorize: (
    request: FastifyRequest,
    reply: FastifyReply,
  ) => DashboardVisitor | undefined | Promise<DashboardVisitor | undefined>
  /**
   * The names, without ports, that the `Host` header may have besides `localhost` and addresses: those under which people
   * open the page. A request with another name gets 403: it may come from a page of another site (DNS rebinding).
   */
  readonly hosts?: readonly string[]
  /**
   * The path of `adminRoutes` in this server: with it, the lanes of breakers have buttons that isolate, trip, reset,
   * disable and enable them, and change their options. These requests pass the guard of the admin routes, not this one.
   * Default: `/admin/shields` if the server has these routes. False: no buttons.
   */
  readonly levers?: string | false
}

const OPTIONS: readonly string[] = ['lines', 'authorize', 'hosts', 'levers']
const LEVERS = '/admin/shields'

/**
 * Serves the dashboard inside a service, for its own log lines.
 *
 * Register it with a `prefix`: the page is at that path. A service has no dashboard unless it registers this plugin, and
 * there is none without a guard. The pages end when the server closes.
 *
 * @throws TypeError without `lines` or `authorize`, and for an unknown option
 * @example
 * ```ts
 * import { dashboardRoutes, ServiceLog } from '@escudo/dashboard/fastify'
 * import { createLogger } from 'escudo/pino'
 * import Fastify from 'fastify'
 *
 * const lines = new ServiceLog()
 * const app = Fastify({ loggerInstance: createLogger({ service: 'potion-shop', sink: lines }) })
 * const dashboard = dashboardRoutes({
 *   lines,
 *   authorize: ({ headers }) => (headers['x-token'] === 'a long secret' ? { actor: 'ops' } : undefined),
 * })
 * await app.register(dashboard, { prefix: '/ops/dashboard' })
 * ```
 */
export function dashboardRoutes(options: DashboardOptions): FastifyPluginAsync {
  const { authorize, hosts, levers } = checked(options)
  const counted = countedLines.get(options.lines)
  if (counted === undefined) throw new TypeError('dashboardRoutes.lines: expected a ServiceLog')
  const known = hostNames(hosts)

  return async (app) => {
    const { prefix } = app
    const leversOf = (): string | undefined => {
      if (levers !== undefined) return levers === false ? undefined : linkFrom(prefix, levers)
      const exists = app.hasRoute({ method: 'POST', url: `${LEVERS}/:shield/:policy` })
      return exists ? linkFrom(prefix, LEVERS) : undefined
    }
    const pages = await createPages(new FileSource(counted.files), undefined, counted.thresholds, leversOf)
    const stopLeavingOut = counted.leaveOut(prefix)
    // Before the server waits for its connections to end.
    app.addHook('preClose', async () => pages.close())
    app.addHook('onClose', async () => stopLeavingOut())
    app.addHook('onRequest', async (request, reply) => {
      if (!isKnownHost(request.raw.headers.host, known)) {
        await answer(request, reply, false)
        return await reply
      }
      checkVisitor(await authorize(request, reply))
      return undefined
    })

    const answer = async (request: FastifyRequest, reply: FastifyReply, hostIsKnown: boolean): Promise<void> => {
      reply.hijack()
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined && !reply.raw.headersSent) reply.raw.setHeader(name, value)
      await pages.answer(request.raw, reply.raw, pathBelow(request.url, prefix), hostIsKnown)
    }
    for (const url of ['/', '/*']) {
      app.route({
        method: ['GET', 'HEAD'],
        url,
        // Fastify's own lines about a request do not all name its path, so they cannot be left out afterwards.
        logLevel: 'warn',
        // No part of the service's interface: OpenAPI documents leave it out.
        schema: { hide: true } as object,
        handler: async (request, reply) => {
          const link = folderLink(request.url, prefix)
          if (link !== undefined) return await reply.redirect(link, 307)
          await answer(request, reply, true)
          return await reply
        },
      })
    }
  }
}

function checked(options: DashboardOptions): DashboardOptions {
  if (typeof options !== 'object' || options === null) throw new TypeError('dashboardRoutes: expected options')
  for (const name of Object.keys(options))
    if (!OPTIONS.includes(name)) throw new TypeError(`dashboardRoutes: unknown option ${name}`)
  if (typeof options.authorize !== 'function')
    throw new TypeError(
      'dashboardRoutes.authorize: expected a function that returns the actor: the page shows the log, so it needs a guard',
    )
  const { levers } = options
  if (levers !== undefined && levers !== false && !/^\/[\w./-]+$/.test(levers))
    throw new TypeError('dashboardRoutes.levers: expected a path, such as /admin/shields, or false')
  if (!(options.lines instanceof ServiceLog)) throw new TypeError('dashboardRoutes.lines: expected a ServiceLog')
  return options
}

/** @throws an error with status 401 without a visitor, and TypeError for what is none: a guard must not fail open */
function checkVisitor(visitor: DashboardVisitor | undefined): void {
  if (visitor === undefined) throw unauthorized()
  if (typeof visitor !== 'object' || visitor === null || typeof visitor.actor !== 'string' || visitor.actor === '')
    throw new TypeError('dashboardRoutes.authorize: expected { actor } or undefined')
}

/** In the form of http-errors, which Fastify and the contracts of escudo know. */
function unauthorized(): Error {
  const facts = { name: 'UnauthorizedError', status: 401, statusCode: 401, expose: true }
  return Object.assign(new Error('The dashboard needs credentials.'), facts)
}
