import type { IncomingMessage } from 'node:http'
import { WellKnown } from '../../errors/catalogue/well-known.ts'
import { isThenable } from '../../errors/options/synchronous.ts'
import { type Handler, type LayerLike, layersOf, patternOf, type RouteLike, type RouterLike } from './layers.ts'
import { stateOf } from './request-state.ts'
import { isRouter } from './route-table.ts'
import { asError } from './thrown-value.ts'

// Express calls handlers in a way that loses some errors, and tells no one the pattern of the route. So every handler is
// replaced by one that does the same, in the routers of the application and in those inside them.

type Next = (...args: unknown[]) => void
type Call = (...args: unknown[]) => unknown

/** How many layers each router had when they were replaced. */
const guarded = new WeakMap<object, number>()
const replacements = new WeakSet<object>()
/** The longest segment of a path that a route accepts. That of Fastify's adapter too. */
const PARAM_LENGTH_MAX = 4_096

/** Replaces the handlers of a router. Cheap if it has not changed since the last call. */
export function guardRouter(router: unknown): void {
  const layers = layersOf(router)
  if (layers.length === 0 || guarded.get(layers) === layers.length) return
  guarded.set(layers, layers.length)
  for (const layer of layers) guardLayer(layer)
  for (const list of Object.values((router as RouterLike).params ?? {})) guardParams(list)
}

/** The functions of `app.param`. Without the replacement, a `throw null` in one would let the request through. */
function guardParams(list: Handler[]): void {
  for (const [index, handle] of list.entries()) {
    if (replacements.has(handle)) continue
    const replacement = safeHandler(handle)
    replacements.add(replacement)
    list[index] = replacement as unknown as Handler
  }
}

function guardLayer(layer: LayerLike): void {
  const { handle, route } = layer
  if (replacements.has(handle)) return
  if (route !== undefined) {
    replace(layer, routeHandler(handle as Call, route))
    for (const inner of route.stack) if (!replacements.has(inner.handle)) replace(inner, safeHandler(inner.handle))
  } else if (isRouter(handle)) {
    replace(layer, routerHandler(handle as unknown as Call, layer))
  } else {
    replace(layer, safeHandler(handle))
  }
}

/** Replaces a handler by one that looks the same: Express counts parameters, and tools read layers and names. */
function replace(layer: LayerLike, replacement: Call): void {
  const original = layer.handle
  for (const key of Reflect.ownKeys(original)) {
    const descriptor = Object.getOwnPropertyDescriptor(original, key)
    if (key !== 'prototype' && descriptor !== undefined) define(replacement, key, descriptor)
  }
  // That of a router has its methods.
  Object.setPrototypeOf(replacement, Object.getPrototypeOf(original) as object)
  replacements.add(replacement)
  layer.handle = replacement as unknown as LayerLike['handle']
}

function define(target: object, key: PropertyKey, descriptor: PropertyDescriptor): void {
  try {
    Object.defineProperty(target, key, descriptor)
  } catch {
    // A property that cannot be replaced, such as `arguments` of an old-style function.
  }
}

/** Calls a handler. What it throws or rejects with always reaches the error handlers. */
function safeHandler(handle: Handler): Call {
  const call = handle as unknown as Call
  return function safeHandler(this: unknown, ...args: unknown[]): unknown {
    let result: unknown
    try {
      result = call.apply(this, args)
    } catch (thrown) {
      throw asThrowable(thrown, args)
    }
    if (!isThenable(result)) return result
    return Promise.resolve(result).catch((thrown: unknown) => {
      throw asThrowable(thrown, args)
    })
  }
}

/** An error handler, with four arguments, has the request second. Without an exchange, the application is not ours. */
function asThrowable(thrown: unknown, args: readonly unknown[]): unknown {
  const request = (args.length === 4 ? args[1] : args[0]) as IncomingMessage
  return stateOf(request) === undefined ? thrown : asError(thrown)
}

/** Sets the route of the exchange, and answers what must wait for the middleware before the routes. */
function routeHandler(call: Call, { path, methods }: RouteLike): Call {
  const pattern = patternOf(path)
  return function routeHandler(this: unknown, ...args: unknown[]): unknown {
    const [request, , next] = args as [IncomingMessage, unknown, Next]
    const state = stateOf(request)
    if (state === undefined) return call.apply(this, args)
    const error = state.deferred ?? longSegmentError(request)
    if (error !== undefined) return next(error)
    // Express also enters a route without a handler for HEAD.
    if (handles(methods, request.method)) state.exchange.route = state.prefix + pattern || '/'
    return call.apply(this, args)
  }
}

function handles(methods: RouteLike['methods'], method: string | undefined): boolean {
  const name = method?.toLowerCase() ?? ''
  return methods['_all'] === true || methods[name] === true || (name === 'head' && methods['get'] === true)
}

function longSegmentError(request: IncomingMessage): Error | undefined {
  const { originalUrl = '' } = request as { readonly originalUrl?: string }
  if (originalUrl.length <= PARAM_LENGTH_MAX) return undefined
  // Not `pathOf`, which shortens.
  const isLong = originalUrl
    .split(/[?#]/, 1)[0]
    ?.split('/')
    .some((segment) => segment.length > PARAM_LENGTH_MAX)
  return isLong === true ? new WellKnown.URI_TOO_LONG() : undefined
}

/** Adds the pattern of a router to those of its routes. Guards its layers, which can be added at any time. */
function routerHandler(call: Call, layer: LayerLike): Call {
  const pattern = patternOf(layer.rawPath)
  return function routerHandler(this: unknown, ...args: unknown[]): unknown {
    const [request, response, next] = args as [IncomingMessage, unknown, Next]
    const state = stateOf(request)
    if (state === undefined) return call.apply(this, args)
    guardRouter(call)
    const outer = state.prefix
    state.prefix = outer + pattern
    return call.call(this, request, response, (...results: unknown[]) => {
      state.prefix = outer
      next(...results)
    })
  }
}
