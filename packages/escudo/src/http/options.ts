import type { Operation } from '../core/operation.ts'
import type { RunOptions } from '../core/shield.ts'

/**
 * What guards calls to a dependency: a shield that gives responses. What a fallback in it puts must be a `Response` too,
 * and what a policy in it reads.
 */
export interface ResponseShield {
  readonly run: (operation: Operation<Response>, options?: RunOptions) => Promise<Response>
}

/** Options of `resilientFetch`. */
export interface ResilientFetchOptions {
  /** Of the dependency. Stands in errors, and names the shield where none is given. */
  readonly name: string
  /** Joined with every relative input: `/items` under `http://shop/api` is `http://shop/api/items`. */
  readonly baseUrl?: string | URL | undefined
  /**
   * What guards the calls. Default: a standard shield for each origin. `false`: none, because a shield stands around
   * the whole operation. A shield that retries must stand here, not around a `fetch` that has one of its own.
   */
  readonly shield?: ResponseShield | false | undefined
  /**
   * What becomes of a status that is not wanted. `fetch` (default): a `Response` like any other, also after the last
   * retry. `throw`: from 400 on an {@link UpstreamError} with `status` and the parsed `body`.
   */
  readonly errors?: 'fetch' | 'throw' | undefined
  /** What sends. Default: the runtime's `fetch`, looked up at each call. */
  readonly fetch?: typeof fetch | undefined
  /** Keeps a body that is a stream, up to so many bytes, so that a retry can send it again. Default: it is not kept. */
  readonly retryBody?: { readonly maxBytes: number } | undefined
  /**
   * Gives requests that are not safe to send twice (POST, PATCH) an `Idempotency-Key`, the same for all attempts, and so
   * lets them be retried. `true`: a random UUID. Only for a dependency that honours it. Default false.
   */
  readonly idempotencyKey?: boolean | (() => string) | undefined
  /** The path of a URL with names in place of values, `/items/:id`: errors carry it. Default: they carry no path. */
  readonly template?: ((url: URL) => string | undefined) | undefined
  /** The header that says how many milliseconds are left. Default `x-request-timeout-ms`; `false`: none. */
  readonly deadlineHeader?: string | false | undefined
  /** How many origins keep a standard shield of their own. Default 100. */
  readonly maxOrigins?: number | undefined
}
