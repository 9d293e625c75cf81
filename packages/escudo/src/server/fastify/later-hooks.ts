import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'

// The plugin's own hooks. They have done their work, or must not do it twice.
const own = new WeakSet<object>()

/** Marks a hook of this library, so that {@link runOtherHooks} omits it. */
export function markOwn<H extends object>(hook: H): H {
  own.add(hook)
  return hook
}

/**
 * Runs the `onRequest` hooks of other plugins for a request that Fastify or this library refuses before them.
 *
 * The hook of a CORS plugin sets the headers without which a page of another origin cannot read the refusal. A hook
 * that fails is ignored, because the request is refused anyway. If a hook answers itself, `done` is not called.
 */
export function runOtherHooks(
  app: FastifyInstance,
  request: FastifyRequest,
  reply: FastifyReply,
  done: () => void,
): void {
  const hooks = onRequestHooks(app).filter((hook) => !own.has(hook))
  const run = (index: number): void => {
    if (reply.sent) return
    const hook = hooks[index]
    if (hook === undefined) {
      done()
      return
    }
    let isDone = false
    const next = (): void => {
      if (isDone) return
      isDone = true
      run(index + 1)
    }
    try {
      const result: unknown = hook.call(app, request, reply, next)
      // A hook is synchronous with `done`, or returns a promise.
      if (result instanceof Promise) result.then(next, next)
    } catch {
      next()
    }
  }
  run(0)
}

/** Fastify has no public list of its hooks. Without it, no hook runs. */
function onRequestHooks(app: FastifyInstance): readonly onRequestHookHandler[] {
  const key = symbolOf(app, 'fastify.hooks')
  const hooks = key === undefined ? undefined : (app as unknown as Record<symbol, { onRequest?: unknown }>)[key]
  return Array.isArray(hooks?.onRequest) ? (hooks.onRequest as onRequestHookHandler[]) : []
}

/** Finds a symbol of Fastify by its description, also on the prototypes of a child instance. */
function symbolOf(value: object, description: string): symbol | undefined {
  for (let owner: object | null = value; owner !== null; owner = Object.getPrototypeOf(owner) as object | null) {
    const found = Object.getOwnPropertySymbols(owner).find((symbol) => symbol.description === description)
    if (found !== undefined) return found
  }
  return undefined
}
