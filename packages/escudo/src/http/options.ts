import type { Operation } from '../core/operation.ts'
import type { AnyShield, RunOptions, ShieldStatus } from '../core/shield-types.ts'

/**
 * A shield whose calls return a `Response`.
 *
 * A fallback in it must return a `Response`, and a policy in it that reads results must accept one.
 */
export interface ResponseShield {
  readonly run: (operation: Operation<Response>, options?: RunOptions) => Promise<Response>
}

/** Which parts of the inbound trace context a client sends. */
export interface PropagateOptions {
  /** Sends `traceparent`, with a new span for each attempt, to every origin. Default true. */
  readonly traceparent?: boolean | undefined
  /** Sends the inbound `tracestate` to the client's own origins. Default true. */
  readonly tracestate?: boolean | undefined
  /** Sends the inbound `baggage` to the client's own origins. Default true. */
  readonly baggage?: boolean | undefined
  /** The client's own origins besides that of `baseUrl`, such as `https://stock.example`. Default: none. */
  readonly origins?: readonly string[] | undefined
}

/** The options that every HTTP client has. Each client documents them in its own options. */
export interface ClientOptions<T> {
  readonly name: string
  readonly baseUrl?: string | URL | undefined
  readonly shield?: { readonly run: (operation: Operation<T>, options?: RunOptions) => Promise<T> } | false | undefined
  readonly errors?: 'fetch' | 'response' | 'throw' | undefined
  readonly idempotencyKey?: boolean | (() => string) | undefined
  readonly template?: ((url: URL) => string | undefined) | undefined
  readonly deadlineHeader?: string | false | undefined
  readonly propagate?: PropagateOptions | undefined
  readonly maxOrigins?: number | undefined
}

/** Options of `resilientFetch`. */
export interface ResilientFetchOptions {
  /** The dependency's name. Appears in errors, and names the shield if none is given. */
  readonly name: string
  /**
   * Joined with every relative input: `/items` under `http://shop/api` is `http://shop/api/items`. A relative input
   * cannot leave the base path: `../admin` rejects with `TypeError`. An absolute URL, a `URL` and a `Request` are sent
   * where they point.
   */
  readonly baseUrl?: string | URL | undefined
  /**
   * The shield that runs each call. Default: a standard shield for each origin. `false`: none, for a client inside an
   * operation that has a shield. Put a shield with a retry here, not around a client that has a shield itself.
   */
  readonly shield?: ResponseShield | false | undefined
  /**
   * How an unwanted status reaches the caller. `fetch` (default): as a normal `Response`, also after the last retry.
   * `throw`: from 400 on, as an {@link UpstreamError} with `status` and the parsed `body`.
   */
  readonly errors?: 'fetch' | 'throw' | undefined
  /** Sends the requests. Default: the runtime's `fetch`, looked up at each call. */
  readonly fetch?: typeof fetch | undefined
  /** Buffers a stream body up to `maxBytes`, so that a retry can send it again. Default: streams are not buffered. */
  readonly retryBody?: { readonly maxBytes: number } | undefined
  /**
   * Adds an `Idempotency-Key` to requests that are not idempotent (POST, PATCH), so that they can be retried. All
   * attempts of a request have the same key. `true`: a random UUID; a function must return its key synchronously. Only for a dependency that honours the header.
   * Default false.
   */
  readonly idempotencyKey?: boolean | (() => string) | undefined
  /**
   * Returns a URL's path with names in place of values, such as `/items/:id`; must be synchronous. Errors carry it.
   * Default: errors carry no path.
   */
  readonly template?: ((url: URL) => string | undefined) | undefined
  /** The request header for the milliseconds left. Default `x-request-timeout-ms`; `false`: none. */
  readonly deadlineHeader?: string | false | undefined
  /**
   * Which parts of the inbound trace context are sent. Default: `traceparent` to every origin; `tracestate` and
   * `baggage` to the origin of `baseUrl`, and not across a redirect to another one. Without a `baseUrl`, they are sent
   * only to `origins`.
   */
  readonly propagate?: PropagateOptions | undefined
  /** How many origins keep a standard shield. Default 100. */
  readonly maxOrigins?: number | undefined
}

/** A `fetch` that runs every call through a shield, and shows its shields. */
export type ResilientFetch = typeof fetch & {
  /** The shields of this client: the one that was given, or one for each origin that was called. Empty with `false`. */
  shields(): readonly AnyShield[]
  /** The state and counters of these shields. */
  status(): readonly ShieldStatus[]
}
