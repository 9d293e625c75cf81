import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { type Duration, show, toMs } from '../../core/options/durations.ts'
import { checkedName, knownKeys, oneOf, readMaxKeys, trueOrFalse, wholeNumber } from '../../core/options/options.ts'
import { checkedSharedState, type OnLoss, type SharedState } from '../../core/shared-state.ts'
import type { RateLimit, RateLimitSettings } from './state/rate-limit.ts'
import { SlidingWindow } from './state/sliding-window.ts'
import { TokenBucket } from './state/token-bucket.ts'

/** Options of `rateLimiter`. */
export interface RateLimiterOptions {
  /** How many calls are allowed per `per`. */
  readonly limit: number
  /** The unit of time, more than 0. */
  readonly per: Duration
  /**
   * `'tokenBucket'`, the default: permits come at a steady rate, and up to `burst` of them are stored.
   * `'slidingWindow'`: never more than `limit` calls in any period of length `per`. It stores the instant of each call
   * of that period, 8 bytes each, so its limit is at most a million.
   */
  readonly algorithm?: 'tokenBucket' | 'slidingWindow'
  /** How many permits a token bucket stores, which is how many calls may start at once. Default: `limit`. */
  readonly burst?: number
  /** How long a call may wait for its permit, in order of arrival. Default 0: it is rejected immediately. */
  readonly maxWait?: Duration
  /**
   * A separate limit for each `call.key`. Default: one limit for all calls. At most `maxKeys` keys (default 10 000) are
   * kept. The least recently used key is evicted first, a key with waiting calls last.
   */
  readonly perKey?: { readonly maxKeys?: number }
  /**
   * Shares the limit with the other instances of the service, through Redis: `fleet()` of `escudo/redis`. Default: each
   * process has a separate limit. Only for a token bucket. Shields with the same name share the limit, if the limiter has
   * the same name in them.
   *
   * Each instance leases permits in advance, so that no call waits for Redis. In any time `t` the fleet admits at most
   * `burst + limit · t / per` calls, and those for which permits were leased before. A call that finds the lease used up
   * waits for the next one up to `maxWait`, so set a `maxWait` of some milliseconds.
   */
  readonly shared?: SharedState
  /** Whether each call asks Redis for its permit: no permit is leased, and every call waits for Redis. Default false. */
  readonly exact?: boolean
  /**
   * What an instance does while Redis does not answer. `'share'`, the default: it admits the limit divided by the number
   * of instances that lived last. `'open'`: it admits all calls. `'closed'`: it admits none.
   */
  readonly onLoss?: OnLoss
  /** Default: `rateLimiter`. */
  readonly name?: string
}

/** The options of a limiter whose fleet shares the limit. */
export interface SharingSettings {
  readonly state: SharedState
  readonly exact: boolean
  readonly onLoss: OnLoss
}

/** The options of a rate limiter, read and validated. */
interface ReadOptions {
  readonly name: string
  /** Creates the limit of one key. */
  readonly createLimit: () => RateLimit
  readonly settings: RateLimitSettings
  readonly maxWaitMs: number
  /** Undefined: one limit for all calls. */
  readonly maxKeys: number | undefined
  /** Undefined: the limit is that of this process. */
  readonly sharing: SharingSettings | undefined
}

const PATH = 'rateLimiter'
const SHARING = ['shared', 'exact', 'onLoss'] as const
const WINDOW_LIMIT_MAX = 1_000_000

/** Reads and validates all options of a rate limiter. */
export function readRateLimiter(options: RateLimiterOptions): ReadOptions {
  knownKeys(options, PATH, ['limit', 'per', 'algorithm', 'burst', 'maxWait', 'perKey', ...SHARING, 'name'])
  const name = checkedName(options.name ?? PATH, `${PATH}.name`)
  const algorithm = oneOf(options.algorithm ?? 'tokenBucket', `${PATH}.algorithm`, ['tokenBucket', 'slidingWindow'])
  const limitOptions = algorithm === 'tokenBucket' ? readTokenBucket(options) : readSlidingWindow(options)
  return {
    name,
    ...limitOptions,
    maxWaitMs: toMs(options.maxWait ?? 0, `${PATH}.maxWait`),
    maxKeys: readMaxKeys(options.perKey, `${PATH}.perKey`),
    sharing: readSharing(options, algorithm),
  }
}

function readSharing({ shared, exact, onLoss }: RateLimiterOptions, algorithm: string): SharingSettings | undefined {
  if (shared === undefined) {
    const needless = exact !== undefined ? 'exact' : onLoss !== undefined ? 'onLoss' : undefined
    if (needless === undefined) return undefined
    throw new ConfigurationError(
      `${PATH}.${needless}`,
      'this option needs `shared`: a limit of this process asks no store',
    )
  }
  if (algorithm !== 'tokenBucket') {
    throw new ConfigurationError(`${PATH}.shared`, "only a limit with the algorithm 'tokenBucket' can be shared")
  }
  return {
    state: checkedSharedState(shared, `${PATH}.shared`),
    exact: trueOrFalse(exact ?? false, `${PATH}.exact`),
    onLoss: oneOf(onLoss ?? 'share', `${PATH}.onLoss`, ['share', 'open', 'closed']),
  }
}

type LimitOptions = Pick<ReadOptions, 'createLimit' | 'settings'>

function readTokenBucket(options: RateLimiterOptions): LimitOptions {
  const perMs = readPer(options)
  const limit = wholeNumber(options.limit, `${PATH}.limit`, 1)
  const burst = wholeNumber(options.burst ?? limit, `${PATH}.burst`, 1)
  if (!Number.isFinite(burst * perMs)) {
    throw new ConfigurationError(`${PATH}.per`, `expected a shorter time, got ${show(options.per)}`)
  }
  const settings = { limit, perMs, burst }
  return { createLimit: () => new TokenBucket(settings), settings }
}

function readSlidingWindow(options: RateLimiterOptions): LimitOptions {
  const perMs = readPer(options)
  if (options.burst !== undefined) {
    throw new ConfigurationError(
      `${PATH}.burst`,
      `a sliding window has no burst: it allows all ${show(options.limit)} calls at once; remove \`burst\`, or use the algorithm 'tokenBucket'`,
    )
  }
  const settings = { limit: wholeNumber(options.limit, `${PATH}.limit`, 1, WINDOW_LIMIT_MAX), perMs, burst: 0 }
  return { createLimit: () => new SlidingWindow(settings), settings }
}

function readPer(options: RateLimiterOptions): number {
  return toMs(options.per, `${PATH}.per`, Number.MIN_VALUE)
}
