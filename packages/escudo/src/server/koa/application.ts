import type { IncomingMessage, ServerResponse } from 'node:http'

// The parts of Koa, version 3, that the adapter uses and that its types do not have, and those that routers add.

/** A function that runs all middleware of an application. */
export type RunMiddleware = (context: KoaContext) => Promise<unknown>

/** An application. */
export interface KoaApplication {
  readonly context: object
  readonly response: object
  handleRequest(context: KoaContext, run: RunMiddleware): unknown
  onerror(error: Error): void
  rawListeners(event: 'error'): readonly unknown[]
}

/** The context of a request. */
export interface KoaContext {
  readonly app: KoaApplication
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly method: string
  readonly response: {
    /** Set by `ctx.status = …`. */
    readonly _explicitStatus?: boolean
    /** Set by `ctx.body = null`. */
    readonly _explicitNullBody?: boolean
  }
  readonly body: unknown
  /** The parsed body, where a parser has set it. */
  readonly request: { body?: unknown }
  /** False: Koa sends nothing. */
  respond?: boolean
  /** Set by `koa-mount`: the path under which the current application is mounted. */
  readonly mountPath?: unknown
  /** The layers of routers whose path matches, with the methods of each; none for middleware. */
  readonly matched?: readonly LayerLike[]
}

/** A route of `@koa/router`, or middleware in a router. */
export interface LayerLike {
  readonly path: unknown
  readonly methods: readonly string[]
}
