// Express has no public way to read its routes. These are the parts of its router, since version 2, that are read here.

/** A function of Express: a handler, or an error handler with four parameters. */
export type Handler = (this: unknown, ...args: never[]) => unknown

/** A router, or what a router has: the layers in their order. */
export interface RouterLike {
  readonly stack: readonly LayerLike[]
  /** The functions of `app.param`, by the name of their parameter. */
  readonly params?: Readonly<Record<string, Handler[]>>
}

/** A handler, a router or a route at its path. */
export interface LayerLike {
  handle: Handler & Partial<RouterLike>
  readonly route?: RouteLike | undefined
  /** The path as it was declared. Since router 2.2.1. */
  readonly rawPath?: unknown
  match?(path: string): false | true | { readonly path?: string }
  /** The matched part of the path, before router 2.2.1. */
  readonly path?: string | undefined
}

/** A route: handlers by method. */
export interface RouteLike extends RouterLike {
  readonly path: unknown
  /** The methods with handlers, in lower case; `_all` for all of them. */
  readonly methods: Readonly<Record<string, boolean>>
}

/** The layers of a router. Empty for anything else. */
export function layersOf(router: unknown): readonly LayerLike[] {
  const { stack } = (router ?? {}) as Partial<RouterLike>
  return Array.isArray(stack) ? stack : []
}

/** The pattern of a route or a router, for log and metrics. */
export function patternOf(path: unknown): string {
  if (Array.isArray(path)) return path.map(patternOf).join(', ')
  if (path === undefined) return '/*'
  return path === '/' ? '' : String(path)
}

/** The part of a path that a layer matches; undefined if it does not match. */
export function matchedBy(layer: LayerLike, path: string): string | undefined {
  try {
    const match = layer.match?.(path)
    if (match === undefined || match === false) return undefined
    return match === true ? (layer.path ?? '') : (match.path ?? '')
  } catch {
    // A parameter that cannot be decoded.
    return undefined
  }
}
