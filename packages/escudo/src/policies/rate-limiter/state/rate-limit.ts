/**
 * The permits of a rate limit: how many there are, and when the next ones come.
 *
 * Pure: `now` is an argument, in milliseconds. If the clock goes back, the limit gives nothing until the clock has
 * caught up.
 */
export interface RateLimit {
  /**
   * Takes a permit and returns the instant at which it counts as taken; undefined if there is none.
   *
   * @param cost how many permits to take together. Undefined: 1, which will not be settled
   */
  tryAcquire(now: number, cost?: number): number | undefined
  /** The number of the permits that {@link tryAcquire} took last with a cost. {@link settle} needs it. */
  readonly order: number
  /**
   * Corrects permits that were taken with a cost.
   *
   * It gives back no more than what the limit would have now without them, and takes no more than a full limit has.
   *
   * @param order the number of these permits
   * @param permit what {@link tryAcquire} returned for them
   */
  settle(order: number, permit: number, cost: number, actual: number, now: number): void
  /** The highest cost that can be served. */
  readonly costMax: number
  /** Gives back a permit that was never used: a value that {@link tryAcquire} returned. */
  giveBack(permit: number, now: number): void
  /**
   * Returns the instant at which a call gets a permit, if `ahead` other calls take theirs first, as soon as they can.
   *
   * Returns `now` if the permit is there already. Exact: {@link tryAcquire} succeeds at that instant and not before it.
   */
  permitAtMs(ahead: number, now: number): number
  /** Returns how many permits could be taken now. */
  available(now: number): number
  /** Changes the limit. Permits that are taken stay taken, and no permit appears. */
  resize(settings: RateLimitSettings, now: number): void
}

/** The options of a rate limit. One object for all keys of a policy. */
export interface RateLimitSettings {
  /** How many permits there are per `perMs`. */
  readonly limit: number
  readonly perMs: number
  /** How many unused permits a token bucket stores; 0 for a sliding window. */
  readonly burst: number
}

/** Returns the next instant that a number can represent, or the one after it. */
export function nextInstant(ms: number): number {
  return ms + Math.max(Math.abs(ms), Number.MIN_VALUE / Number.EPSILON) * Number.EPSILON
}

/**
 * Returns a delay from `now` that does not end before `atMs`.
 *
 * The difference of the two is rounded, so `now` plus that difference may be too early by the last digit.
 */
export function delayUntil(atMs: number, now: number): number {
  if (atMs <= now) return 0
  let delayMs = atMs - now
  for (let target = atMs; now + delayMs < atMs; ) {
    target = nextInstant(target)
    delayMs = target - now
  }
  return delayMs
}
