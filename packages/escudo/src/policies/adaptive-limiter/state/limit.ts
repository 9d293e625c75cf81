/** The bounds of a limit, and its first value. */
export interface LimitSettings {
  /** The lowest limit. */
  readonly min: number
  /** The highest limit. */
  readonly max: number
  /** The first limit, within the bounds. */
  readonly initial: number
}

/** A concurrency limit that adapts to the outcomes of calls. */
export interface ConcurrencyLimit {
  /** Returns how many calls may be in flight now: a whole number within the bounds. */
  limit(): number
  /**
   * Learns from the outcome of a call.
   *
   * @param rttMs how long the call took
   * @param inFlight how many calls were in flight when it started, including itself
   * @param dropped whether it failed because of overload: it timed out, or the dependency rejected it
   * @param now when it ended
   */
  onSample(rttMs: number, inFlight: number, dropped: boolean, now: number): void
}

/**
 * Describes how a limit adapts; each limiter creates a separate limit from it. Made by `aimd`, `vegas` or `gradient2`.
 */
export interface LimitAlgorithm {
  /** Creates a new limit. */
  create(settings: LimitSettings): ConcurrencyLimit
}

/** Restricts a value to the bounds. */
export function clamp({ min, max }: LimitSettings, value: number): number {
  return Math.min(max, Math.max(min, value))
}

/**
 * Whether less than half of the limit is in use, as in all three of Netflix's algorithms.
 *
 * The limit then holds no calls back, so fast calls are no reason to raise it. Otherwise it could rise to any value
 * before the load comes.
 */
export function isIdle(inFlight: number, limit: number): boolean {
  return inFlight * 2 < limit
}
