import { layersOf, matchedBy, type RouterLike } from './layers.ts'

/** How deep routers may be nested. */
const DEPTH_MAX = 20

/**
 * The methods that a path has routes for.
 *
 * Routes in applications that are mounted with `app.use(path, otherApp)` are not seen: Express hides them in a closure.
 */
export function methodsFor(router: unknown, path: string): readonly string[] {
  const methods = new Set<string>()
  collect(router, path, methods, DEPTH_MAX)
  return [...methods]
}

function collect(router: unknown, path: string, methods: Set<string>, depth: number): void {
  if (depth === 0) return
  for (const layer of layersOf(router)) {
    const matched = matchedBy(layer, path)
    if (matched === undefined) continue
    if (layer.route !== undefined) {
      // A route for all methods answers any of them itself.
      for (const name of Object.keys(layer.route.methods)) {
        if (name === '_all') continue
        methods.add(name.toUpperCase())
        if (name === 'get') methods.add('HEAD')
      }
    } else if (isRouter(layer.handle)) {
      const rest = path.slice(matched.length)
      if (matched !== '' && rest !== '' && !rest.startsWith('/')) continue
      collect(layer.handle, rest.startsWith('/') ? rest : `/${rest}`, methods, depth - 1)
    }
  }
}

/** Whether a function is a router, which has layers. */
export function isRouter(value: unknown): value is RouterLike {
  return Array.isArray((value as Partial<RouterLike> | undefined)?.stack)
}
