import { nextInstant, type RateLimit } from './rate-limit.ts'
import { RoomLog } from './room-log.ts'

/** The settings of a token bucket. One object for all buckets of a policy. */
export interface TokenBucketSettings {
  /** How many permits come per `perMs`, at a steady rate. */
  readonly limit: number
  readonly perMs: number
  /** How many unused permits are stored. */
  readonly burst: number
}

/**
 * The classic token bucket: permits come at a steady rate, and at most `burst` of them are stored.
 *
 * It is Turner's leaky bucket as a meter, the `GCRA` of ATM networks. At most `burst + limit · t / per` permits are
 * taken in any time `t`, and at most `burst` at once, however long the event loop was blocked.
 *
 * The level is counted in shares: a permit has `perMs` shares, and `limit` shares come per millisecond. If `perMs` and
 * the instants are whole numbers, all values are whole numbers, and nothing is ever rounded.
 */
export class TokenBucket implements RateLimit {
  #settings: TokenBucketSettings
  /** The level at `#atMs`, in shares of a permit. */
  #shares: number
  #atMs = Number.NEGATIVE_INFINITY
  /** When the newest permit was taken. */
  #newestMs = Number.NEGATIVE_INFINITY
  /** When a permit was last taken from a bucket that had no room for one more. */
  #lastFullMs = Number.NEGATIVE_INFINITY
  /** Present once a call has a cost: it may be settled later. */
  #rooms: RoomLog | undefined

  constructor(settings: TokenBucketSettings) {
    this.#settings = settings
    this.#shares = settings.burst * settings.perMs
  }

  get costMax(): number {
    return this.#settings.burst
  }

  get order(): number {
    return this.#rooms?.order ?? 0
  }

  tryAcquire(now: number, cost?: number): number | undefined {
    const { perMs, burst } = this.#settings
    const shares = this.#sharesAt(now)
    const needed = cost === undefined ? perMs : cost * perMs
    if (shares < needed) return undefined
    if (cost !== undefined) this.#rooms ??= new RoomLog()
    this.#rooms?.took(burst * perMs - shares)
    this.#shares = shares - needed
    this.#atMs = Math.max(now, this.#atMs)
    this.#newestMs = this.#atMs
    if (shares > (burst - 1) * perMs) this.#lastFullMs = this.#atMs
    return this.#atMs
  }

  settle(order: number, _permit: number, cost: number, actual: number, now: number): void {
    const { perMs, burst } = this.#settings
    const full = burst * perMs
    const shares = this.#sharesAt(now)
    const room = full - shares
    const refund = Math.min((cost - actual) * perMs, room, this.#rooms?.leastSince(order) ?? 0)
    if (refund === 0) return
    if (refund > 0) this.#rooms?.putBack(order, refund)
    else this.#rooms?.took(room)
    this.#shares = Math.max(Math.min(shares, -full), shares + refund)
    this.#atMs = Math.max(now, this.#atMs)
    // What is known about single permits no longer holds.
    this.#lastFullMs = this.#atMs
  }

  giveBack(permit: number, now: number): void {
    if (permit < this.#newestMs) {
      // Other permits were taken since. If this one had stayed in the bucket, the bucket might have overflowed and lost
      // it. If that is possible, nothing is given back.
      if (permit < this.#lastFullMs) return
      this.#lastFullMs = this.#newestMs
    }
    const { burst, perMs } = this.#settings
    this.#rooms?.putBack(0, perMs)
    this.#shares = Math.min(burst * perMs, this.#sharesAt(now) + perMs)
    this.#atMs = Math.max(now, this.#atMs)
  }

  permitAtMs(ahead: number, now: number): number {
    const { limit, perMs, burst } = this.#settings
    const needed = (ahead + 1) * perMs
    const sharesNow = this.#sharesAt(now)
    if (sharesNow >= needed) return now
    // Computed from the instant at which the level was set, so that the result does not depend on `now`. A full bucket
    // has lost what came after that instant, so it is computed from `now`.
    const full = sharesNow >= burst * perMs
    const fromMs = full ? now : this.#atMs
    const shares = full ? sharesNow : this.#shares
    let atMs = fromMs + (needed - shares) / limit
    while (shares + (atMs - fromMs) * limit < needed) atMs = nextInstant(atMs)
    return atMs
  }

  available(now: number): number {
    return Math.max(0, Math.floor(this.#sharesAt(now) / this.#settings.perMs))
  }

  /** The stored permits stay, up to the new `burst`, as in Go's `x/time/rate`. */
  resize(settings: TokenBucketSettings, now: number): void {
    const permits = this.#sharesAt(now) / this.#settings.perMs
    this.#settings = settings
    this.#shares = Math.min(settings.burst, permits) * settings.perMs
    this.#atMs = Math.max(now, this.#atMs)
    this.#rooms?.took(0)
    if (permits <= settings.burst - 1) return
    // A permit that had stayed in the bucket would have been lost now.
    this.#newestMs = this.#atMs
    this.#lastFullMs = this.#atMs
  }

  #sharesAt(now: number): number {
    const { limit, perMs, burst } = this.#settings
    const elapsedMs = now - this.#atMs
    return elapsedMs <= 0 ? this.#shares : Math.min(burst * perMs, this.#shares + elapsedMs * limit)
  }
}
