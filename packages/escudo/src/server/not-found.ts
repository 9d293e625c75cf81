import { WellKnown } from '../errors/catalogue/well-known.ts'

/** The methods that a path has routes for; empty for a path without routes. */
export type MethodLookup = (path: string) => readonly string[]

/**
 * 404 for a path without a route, 405 with `Allow` for a path that has routes for other methods only.
 *
 * @param methods those that the path has routes for. A wildcard route for OPTIONS, as that of a CORS plugin, does not
 * count: it does not make a path exist
 */
export function routeError(method: string, methods: readonly string[]): Error {
  if (methods.length === 0 || methods.includes(method)) return new WellKnown.ROUTE_NOT_FOUND()
  return new WellKnown.METHOD_NOT_ALLOWED(undefined, { headers: { allow: methods.join(', ') } })
}

/**
 * Whether a router can decode a path. An undecodable one is answered with 400 `BAD_REQUEST`.
 *
 * @param path as in the request, with percent-encoding
 */
export function isDecodable(path: string): boolean {
  if (!path.includes('%')) return true
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}
