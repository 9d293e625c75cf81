import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { type Duration, show, toMs } from '../../core/options/durations.ts'
import { oneOf, wholeNumber } from '../../core/options/options.ts'
import type { RateLimit } from './state/rate-limit.ts'
import { SlidingWindow } from './state/sliding-window.ts'
import { TokenBucket } from './state/token-bucket.ts'

/** Options of `rateLimiter`. */
export interface RateLimiterOptions {
  /** How many calls … */
  readonly limit: number
  /** … in which time. */
  readonly per: Duration
  /**
   * `'tokenBucket'`, the default: permits come evenly, and up to `burst` of them are kept. `'slidingWindow'`: never more
   * than `limit` in any stretch of `per`, wherever it begins; it remembers the instant of each call of that time, 8 bytes
   * each, so its limit is at most a million.
   */
  readonly algorithm?: 'tokenBucket' | 'slidingWindow'
  /** How many permits a token bucket keeps: so many calls may come at once. Default: `limit`. */
  readonly burst?: number
  /** How long a call may wait for its permit, in the order of coming. Default 0: it is refused at once. */
  readonly maxWait?: Duration
  /**
   * A limit for each `call.key`, and not one for all. At most `maxKeys` (default 10 000) are remembered: the one used
   * least recently is forgotten first, one for which calls wait last.
   */
  readonly perKey?: { readonly maxKeys?: number }
  /** Default: `rateLimiter`. */
  readonly name?: string
}

const PATH = 'rateLimiter'
const WINDOW_LIMIT_MAX = 1_000_000

/** What makes the limit of a key. */
export function readLimit(options: RateLimiterOptions): () => RateLimit {
  const algorithm = oneOf(options.algorithm ?? 'tokenBucket', `${PATH}.algorithm`, ['tokenBucket', 'slidingWindow'])
  const perMs = toMs(options.per, `${PATH}.per`, Number.MIN_VALUE)
  if (algorithm === 'tokenBucket') {
    const limit = wholeNumber(options.limit, `${PATH}.limit`, 1)
    const burst = wholeNumber(options.burst ?? limit, `${PATH}.burst`, 1)
    if (!Number.isFinite(burst * perMs)) {
      throw new ConfigurationError(`${PATH}.per`, `expected a shorter time, got ${show(options.per)}`)
    }
    const settings = { limit, perMs, burst }
    return () => new TokenBucket(settings)
  }
  if (options.burst !== undefined) {
    throw new ConfigurationError(
      `${PATH}.burst`,
      `a sliding window has none: it lets ${show(options.limit)} through at once and then no more; leave it out, or take the algorithm 'tokenBucket'`,
    )
  }
  const settings = { limit: wholeNumber(options.limit, `${PATH}.limit`, 1, WINDOW_LIMIT_MAX), perMs }
  return () => new SlidingWindow(settings)
}
