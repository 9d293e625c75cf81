import type { Hono } from 'hono'

type AnyHono = Hono<never, never, string>

/** Finds the methods that a path has routes for. Hono has no 405: it answers 404 for a wrong method. */
export function methodsFor(app: AnyHono, path: string): readonly string[] {
  const methods = new Set(app.routes.map(({ method }) => method).filter((method) => method !== 'ALL'))
  const found: string[] = []
  let exists = false
  for (const method of methods) {
    const routes = app.router.match(method, path)[0].map(([[, route]]) => route)
    // Middleware matches each method.
    const own = routes.filter((route) => route.method === method)
    if (own.length === 0) continue
    found.push(method)
    // A wildcard for OPTIONS answers every path, as that of a CORS plugin does. It does not make a path exist.
    exists ||= method !== 'OPTIONS' || own.some(({ path }) => !path.includes('*'))
  }
  if (!exists) return []
  if (found.includes('GET')) found.push('HEAD')
  return found.toSorted()
}
