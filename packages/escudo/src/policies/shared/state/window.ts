/**
 * A sliding window: counts recent calls, and how many of them were hits (failures, or slow calls).
 *
 * The last n calls are in `CountWindow`, the calls of a duration in `TimeWindow`. Pure: `now` is an argument. The
 * cost of a call does not depend on the size of the window.
 */
export interface Window {
  /** The calls in the window, as of the last `record` or `advance`. */
  readonly calls: number
  /** The hits among these calls. */
  readonly hits: number
  /** Adds a call. */
  record(hit: boolean, now: number): void
  /** Drops calls that are too old at `now`. Call it before reading, unless a call has just been recorded. */
  advance(now: number): void
  /** The calls as text, oldest first: `1` for a hit, `0` for any other. Undefined in a window that depends on time. */
  outcomes?(): string
  /** Drops all calls. */
  clear(): void
}
