import type { Context } from 'hono'
import { matchedRoutes } from 'hono/route'

type MatchedRoutes = ReturnType<typeof matchedRoutes>

/**
 * The routes and middleware that match a request.
 *
 * Hono has two builds. The helper of one finds nothing in a context of the other, that of an app which was loaded with
 * `require`. There, the older getter of the request itself is used.
 */
export function matchedBy(context: Context): MatchedRoutes {
  try {
    return matchedRoutes(context)
  } catch {
    return (context.req as { readonly matchedRoutes?: MatchedRoutes }).matchedRoutes ?? []
  }
}
