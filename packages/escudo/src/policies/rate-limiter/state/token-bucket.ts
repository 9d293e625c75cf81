import { later, type RateLimit } from './rate-limit.ts'

/** How fast a bucket fills, and how much it holds. One object for all buckets of a policy. */
export interface TokenBucketSettings {
  /** So many permits come in … */
  readonly limit: number
  /** … this time, evenly. */
  readonly perMs: number
  /** So many are kept while nobody takes them. */
  readonly burst: number
}

/**
 * The classic token bucket (Turner's leaky bucket as a meter, the `GCRA` of ATM networks): permits come evenly, and at
 * most `burst` of them are kept. So never more than `burst + limit · t / per` permits are taken in any stretch of time
 * `t`, and never more than `burst` at once, however long nobody looked.
 *
 * The level is counted in shares of a permit, `perMs` of them each, of which `limit` come in every millisecond: with a
 * whole number of milliseconds all of it is whole numbers, and nothing is ever rounded.
 */
export class TokenBucket implements RateLimit {
  readonly #settings: TokenBucketSettings
  /** The level at `#atMs`, in shares of a permit. */
  #shares: number
  #atMs = Number.NEGATIVE_INFINITY
  /** When the newest permit was taken. */
  #newestMs = Number.NEGATIVE_INFINITY
  /** When one was last taken that could not have been taken later: the bucket had no room for one more. */
  #lastFullMs = Number.NEGATIVE_INFINITY

  constructor(settings: TokenBucketSettings) {
    this.#settings = settings
    this.#shares = settings.burst * settings.perMs
  }

  tryTake(now: number): number | undefined {
    const { perMs, burst } = this.#settings
    const shares = this.#sharesAt(now)
    if (shares < perMs) return undefined
    this.#shares = shares - perMs
    this.#atMs = Math.max(now, this.#atMs)
    this.#newestMs = this.#atMs
    if (shares > (burst - 1) * perMs) this.#lastFullMs = this.#atMs
    return this.#atMs
  }

  giveBack(permit: number, now: number): void {
    if (permit < this.#newestMs) {
      // Others were taken since. Had this one never been taken, the bucket would have run over meanwhile, and nothing of
      // it would be left; where that is not certain nothing is given either.
      if (permit < this.#lastFullMs) return
      this.#lastFullMs = this.#newestMs
    }
    const { burst, perMs } = this.#settings
    this.#shares = Math.min(burst * perMs, this.#sharesAt(now) + perMs)
    this.#atMs = Math.max(now, this.#atMs)
  }

  permitAtMs(ahead: number, now: number): number {
    const { limit, perMs, burst } = this.#settings
    const needed = (ahead + 1) * perMs
    const sharesNow = this.#sharesAt(now)
    if (sharesNow >= needed) return now
    // From the instant at which the level was set, so that the answer does not depend on when it is asked for. A full
    // bucket has lost what came since then.
    const full = sharesNow >= burst * perMs
    const fromMs = full ? now : this.#atMs
    const shares = full ? sharesNow : this.#shares
    let atMs = fromMs + (needed - shares) / limit
    while (shares + (atMs - fromMs) * limit < needed) atMs = later(atMs)
    return atMs
  }

  available(now: number): number {
    return Math.floor(this.#sharesAt(now) / this.#settings.perMs)
  }

  #sharesAt(now: number): number {
    const { limit, perMs, burst } = this.#settings
    const elapsedMs = now - this.#atMs
    return elapsedMs <= 0 ? this.#shares : Math.min(burst * perMs, this.#shares + elapsedMs * limit)
  }
}
