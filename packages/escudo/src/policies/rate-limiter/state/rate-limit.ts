/**
 * How many permits there are, and when the next ones come. Pure: `now` is an argument, in milliseconds. A clock that
 * goes back gives nothing: until it has caught up, time stands still.
 */
export interface RateLimit {
  /** Takes a permit, where there is one: the instant at which it counts as taken. */
  tryTake(now: number): number | undefined
  /** Gives back a permit that was never used: what {@link tryTake} gave. */
  giveBack(permit: number, now: number): void
  /**
   * The instant at which there is a permit for a call before which `ahead` others take theirs as soon as they can; `now`
   * where it is there already. Exact: {@link tryTake} succeeds at that instant and not before it.
   */
  permitAtMs(ahead: number, now: number): number
  /** How many permits could be taken now. */
  available(now: number): number
}

/** The next instants that a number can tell apart, or the second next. */
export function later(ms: number): number {
  return ms + Math.max(Math.abs(ms), Number.MIN_VALUE / Number.EPSILON) * Number.EPSILON
}

/**
 * How long from `now` until an instant, so that whoever waits as long is not too early: the difference is rounded, and
 * added to `now` it may miss the instant by its last digit.
 */
export function delayUntil(atMs: number, now: number): number {
  if (atMs <= now) return 0
  let delayMs = atMs - now
  for (let target = atMs; now + delayMs < atMs; ) {
    target = later(target)
    delayMs = target - now
  }
  return delayMs
}
