import type { KoaContext } from './application.ts'

/** The methods that a path has routes for, as the routers have found them. Koa itself answers 404 for a wrong method. */
export function methodsFor({ matched }: Pick<KoaContext, 'matched'>): readonly string[] {
  const routes = (Array.isArray(matched) ? (matched as KoaContext['matched'] & object) : []).filter(
    ({ methods }) => Array.isArray(methods) && methods.length > 0,
  )
  // A wildcard for OPTIONS answers every path. It does not make a path exist.
  const exists = routes.some(({ path, methods }) => methods.some((name) => name !== 'OPTIONS') || !isWildcard(path))
  return exists ? [...new Set(routes.flatMap(({ methods }) => methods))].toSorted() : []
}

function isWildcard(path: unknown): boolean {
  return typeof path !== 'string' || path.includes('*')
}
