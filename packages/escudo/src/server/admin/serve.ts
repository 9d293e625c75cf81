import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { WellKnown } from '../../errors/catalogue/well-known.ts'
import type { JsonValue } from '../../errors/to-json.ts'
import { type Exchange, isDisconnect } from '../exchange.ts'
import { routeError } from '../not-found.ts'
import type { Admin, Attempt } from './admin.ts'
import type { AdminRoutesOptions } from './options.ts'
import type { RequestHeaders } from './origin.ts'

// The admin routes for frameworks whose routes are not collected in a document. An adapter makes a middleware of them.

/** Options of `adminRoutes` for such a framework. */
export type AdminOptions<Request> = Omit<AdminRoutesOptions<Request>, 'security' | 'tags'>

/** The headers of each success. */
export const ADMIN_HEADERS = { 'cache-control': 'no-store' } as const

/** A request for an admin route. */
export interface AdminRequest<Request> {
  /** The request of the framework, for `authorize`. */
  readonly request: Request
  readonly method: string
  /** The path, with percent-encoding, without that under which the routes are mounted. */
  readonly path: string
  readonly headers: RequestHeaders
  /** The exchange; undefined if the adapter has not begun it. */
  readonly exchange: Exchange | undefined
  /** Reads the body as JSON of at most `BODY_BYTES_MAX`. Undefined for a request without a body. */
  readonly readBody: () => Promise<unknown>
}

interface Route {
  readonly pattern: string
  readonly methods: readonly string[]
  readonly names: readonly string[]
}

/**
 * Serves a request for one of the admin routes.
 *
 * @returns the answer, or a rejection with the error that the client gets. Undefined for any other path
 */
export function serveAdmin<Request>(
  admin: Admin<Request>,
  request: AdminRequest<Request>,
): Promise<JsonValue> | undefined {
  const route = routeOf(request.path)
  return route === undefined ? undefined : serve(admin, request, route)
}

async function serve<Request>(
  admin: Admin<Request>,
  { request, method, headers, exchange, readBody }: AdminRequest<Request>,
  { pattern, methods, names }: Route,
): Promise<JsonValue> {
  if (!methods.includes(method)) throw routeError(method, methods)
  if (exchange === undefined) {
    throw new ConfigurationError('adminRoutes', 'expected a request of an application that escudo() was called for')
  }
  exchange.route = pattern
  admin.checkOrigin(headers)
  const actor = await admin.actorOf(request)
  const [shield, policy] = names
  if (method !== 'POST') return shield === undefined ? admin.list() : admin.show(shield)
  const attempt = admin.attempt(actor, { shield: shield as string, policy }, exchange.logger)
  return admin.act(attempt, await bodyOf(admin, attempt, readBody))
}

async function bodyOf<Request>(
  admin: Admin<Request>,
  attempt: Attempt,
  readBody: () => Promise<unknown>,
): Promise<unknown> {
  try {
    return await readBody()
  } catch (error) {
    // The client has disconnected before its request was complete.
    admin.refuse(attempt, isDisconnect(error) ? new WellKnown.BAD_REQUEST() : error)
    throw error
  }
}

const READ = ['GET', 'HEAD']
const ROUTES: readonly Omit<Route, 'names'>[] = [
  { pattern: '/admin/shields', methods: READ },
  { pattern: '/admin/shields/:shield', methods: [...READ, 'POST'] },
  { pattern: '/admin/shields/:shield/:policy', methods: ['POST'] },
]

function routeOf(path: string): Route | undefined {
  const [match, rest = ''] = /^\/admin\/shields((?:\/[^/]+){0,2})$/.exec(path) ?? []
  if (match === undefined) return undefined
  try {
    const names = rest.split('/').slice(1).map(decodeURIComponent)
    return { ...(ROUTES[names.length] as (typeof ROUTES)[number]), names }
  } catch {
    // It cannot be decoded. The adapter answers it.
    return undefined
  }
}
