// Sliding windows, by number of calls (count-window.ts) and by time (time-window.ts). Pure: `now` is an argument. An
// outcome costs the same however many calls the window holds.

/** Counts the recent past: how many calls there were, and how many of them were hits: failures, or slow calls. */
export interface Window {
  /** Calls within the window, as of the last `record` or `advance`. */
  readonly calls: number
  /** Those of them that were hits. */
  readonly hits: number
  /** Takes a call in. */
  record(hit: boolean, now: number): void
  /** Forgets what is too old by now. Call it before reading, unless a call has just been recorded. */
  advance(now: number): void
  /** Forgets all. */
  clear(): void
}
