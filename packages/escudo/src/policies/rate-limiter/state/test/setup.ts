import type { RateLimit } from '../rate-limit.ts'
import { SlidingWindow } from '../sliding-window.ts'
import { TokenBucket } from '../token-bucket.ts'

/** The settings of both algorithms; a sliding window ignores `burst`. */
export interface Case {
  readonly limit: number
  readonly perMs: number
  readonly burst: number
}

/** An algorithm and its oracle: its definition, in whole numbers, applied to all permits ever taken. */
export interface Algorithm {
  readonly name: string
  readonly create: (settings: Case) => RateLimit
  /** Whether the definition allows one more permit at `now`. */
  readonly allows: (taken: readonly number[], now: number, settings: Case) => boolean
}

/** Both algorithms with their oracles. */
export const ALGORITHMS: readonly Algorithm[] = [
  {
    name: 'token bucket, at most burst + rate · t in any interval t',
    create: (settings) => new TokenBucket(settings),
    // Checks every period that begins with a permit and ends now.
    allows: (taken, now, { limit, perMs, burst }) =>
      [...taken, now].every(
        (from, index) => (taken.length + 1 - index) * perMs <= burst * perMs + limit * (now - from),
      ),
  },
  {
    name: 'sliding window, at most limit in any period of length per',
    create: (settings) => new SlidingWindow(settings),
    allows: (taken, now, { limit, perMs }) => taken.filter((at) => at + perMs > now).length < limit,
  },
]
