/** The bounds of a limit, and where it begins. */
export interface LimitSettings {
  /** Never below. */
  readonly min: number
  /** Never above. */
  readonly max: number
  /** Within the bounds. */
  readonly initial: number
}

/** A limit on concurrency that learns from what calls came to. */
export interface ConcurrencyLimit {
  /** How many calls may be in flight now: a whole number within the bounds. */
  limit(): number
  /**
   * Takes in what a call came to.
   *
   * @param rttMs how long it took
   * @param inFlight how many were in flight when it began, itself included
   * @param dropped whether it was lost to overload: it ran out of time, or the dependency had no room for it
   * @param now when it ended
   */
  onSample(rttMs: number, inFlight: number, dropped: boolean, now: number): void
}

/** How a limit learns: a description, from which every limiter makes its own. Made by `aimd`, `vegas` or `gradient2`. */
export interface LimitAlgorithm {
  /** A fresh limit. */
  create(settings: LimitSettings): ConcurrencyLimit
}

/** A value moved within the bounds. */
export function within({ min, max }: LimitSettings, value: number): number {
  return Math.min(max, Math.max(min, value))
}

/**
 * Whether so little is in flight that the limit is not what holds calls back. Then quick answers are no reason to raise
 * it, or it would stand anywhere when the load comes. Half of the limit, in all three of Netflix's algorithms.
 */
export function isIdle(inFlight: number, limit: number): boolean {
  return inFlight * 2 < limit
}
