import type { Dispatcher } from 'undici'
import type { Operation } from '../core/operation.ts'
import type { RunOptions } from '../core/shield-types.ts'
import type { PropagateOptions } from '../http/options.ts'

/**
 * What a call of a dispatcher returns to the policies of its shield, and what a fallback in that shield returns.
 *
 * The body of a response goes to its reader, not to the policies: for them `body` is undefined.
 */
export interface UndiciAnswer {
  readonly statusCode: number
  /** The headers, with names in lower case. */
  readonly headers?: Readonly<Record<string, string | string[] | undefined>> | undefined
  /** The body of a substitute answer. Default: empty. */
  readonly body?: string | Uint8Array | undefined
}

/**
 * A shield whose calls return an {@link UndiciAnswer}.
 *
 * A fallback in it must return one, and a policy in it that reads results must accept one.
 */
export interface UndiciShield {
  readonly run: (operation: Operation<UndiciAnswer>, options?: RunOptions) => Promise<UndiciAnswer>
}

/** Options of `resilience`. */
export interface ResilienceOptions {
  /** The dependency's name. Appears in errors, and names the shield if none is given. */
  readonly name: string
  /**
   * The shield that runs each call. Default: a standard shield for each origin. `false`: none, for a dispatcher inside
   * an operation that has a shield. Put a shield with a retry here, not around a dispatcher that has a shield itself.
   */
  readonly shield?: UndiciShield | false | undefined
  /**
   * How an unwanted status reaches the caller. `response` (default): as a normal response, also after the last retry.
   * `throw`: from 400 on, as an `UpstreamError` with `status` and the parsed `body`.
   */
  readonly errors?: 'response' | 'throw' | undefined
  /**
   * Adds an `Idempotency-Key` to requests that are not idempotent (POST, PATCH), so that they can be retried. All
   * attempts of a request have the same key. `true`: a random UUID; a function must return its key synchronously. Only
   * for a dependency that honours the header. Default false.
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
   * `baggage` to `origins`, and for `resilientRequest` to the origin of `baseUrl`, unless the dispatcher follows
   * redirects itself.
   */
  readonly propagate?: PropagateOptions | undefined
  /** How many origins keep a standard shield. Default 100. */
  readonly maxOrigins?: number | undefined
}

/** Options of `resilientRequest`. */
export interface ResilientRequestOptions extends ResilienceOptions {
  /**
   * Joined with every URL that is text: `/items` under `http://shop/api` is `http://shop/api/items`. A relative URL
   * cannot leave the base path: `../admin` rejects with `TypeError`. An absolute URL and a `URL` are sent where they
   * point.
   */
  readonly baseUrl?: string | URL | undefined
  /** Sends the requests, unless a request has its own `dispatcher`. Default: undici's global dispatcher. */
  readonly dispatcher?: Dispatcher | undefined
}
