import type { RateLimit } from '../rate-limit.ts'
import { SlidingWindow } from '../sliding-window.ts'
import { TokenBucket } from '../token-bucket.ts'

/** What both algorithms are made from; a sliding window has no burst. */
export interface Case {
  readonly limit: number
  readonly perMs: number
  readonly burst: number
}

/** An algorithm beside its own definition, in whole numbers, over all permits that were ever taken. */
export interface Algorithm {
  readonly name: string
  readonly create: (settings: Case) => RateLimit
  /** Whether one more permit at `now` keeps to the definition. */
  readonly allows: (taken: readonly number[], now: number, settings: Case) => boolean
}

/** The oracles of the rate limits. */
export const ALGORITHMS: readonly Algorithm[] = [
  {
    name: 'token bucket: never more than burst + rate · t in any interval t',
    create: (settings) => new TokenBucket(settings),
    // Every stretch of time that begins with a permit and ends now.
    allows: (taken, now, { limit, perMs, burst }) =>
      [...taken, now].every(
        (from, index) => (taken.length + 1 - index) * perMs <= burst * perMs + limit * (now - from),
      ),
  },
  {
    name: 'sliding window: over any window of per never more than limit',
    create: (settings) => new SlidingWindow(settings),
    allows: (taken, now, { limit, perMs }) => taken.filter((at) => at + perMs > now).length < limit,
  },
]
