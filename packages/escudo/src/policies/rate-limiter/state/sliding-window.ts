import type { RateLimit } from './rate-limit.ts'

/** The settings of a sliding window. One object for all windows of a policy. */
export interface SlidingWindowSettings {
  /** How many permits there are in a period of `perMs`. */
  readonly limit: number
  readonly perMs: number
}

// Most keys never need room for more instants.
const INITIAL_CAPACITY = 8

/**
 * A sliding log: at most `limit` permits in any period of length `perMs`.
 *
 * It stores the instant of each permit of the last `perMs`: at most `limit` instants of 8 bytes each, in an array that
 * grows as needed.
 *
 * It is not the sliding counter that estimates from two fixed windows. That one assumes evenly spread calls, allows
 * more than the limit if they are not, and cannot compute when the next permit comes.
 */
export class SlidingWindow implements RateLimit {
  #settings: SlidingWindowSettings
  /** A ring buffer of instants in ascending order; the first one is at index `#oldest`. */
  #instants: Float64Array
  #oldest = 0
  #taken = 0

  constructor(settings: SlidingWindowSettings) {
    this.#settings = settings
    this.#instants = new Float64Array(Math.min(settings.limit, INITIAL_CAPACITY))
  }

  get costMax(): number {
    return this.#settings.limit
  }

  get order(): number {
    return 0
  }

  tryAcquire(now: number, cost = 1): number | undefined {
    const at = this.#notBefore(now)
    this.#expire(at)
    if (this.#taken + cost > this.#settings.limit) return undefined
    this.#add(at, cost)
    return at
  }

  settle(_order: number, permit: number, cost: number, actual: number, now: number): void {
    if (actual < cost) this.giveBack(permit, now, cost - actual)
    const at = this.#notBefore(now)
    this.#expire(at)
    this.#add(at, Math.max(0, Math.min(actual - cost, 2 * this.#settings.limit - this.#taken)))
  }

  giveBack(permit: number, _now?: number, count = 1): void {
    // Searches from the newest: the permit was taken a moment ago. A permit that has expired is free already.
    let end = this.#taken
    while (end > 0 && this.#at(end - 1) > permit) end -= 1
    let start = end
    while (start > 0 && end - start < count && this.#at(start - 1) === permit) start -= 1
    for (; end < this.#taken; end += 1, start += 1) this.#set(start, this.#at(end))
    this.#taken = start
  }

  permitAtMs(ahead: number, now: number): number {
    const { limit, perMs } = this.#settings
    const at = this.#notBefore(now)
    // The calls ahead take the free permits first, then each the oldest one when it expires. After one round, all
    // permits belong to calls ahead.
    const rounds = Math.floor(ahead / limit)
    const free = limit - this.#taken
    const index = (ahead % limit) - free
    const firstMs = index < 0 ? at : Math.max(at, this.#at(index) + perMs)
    if (rounds === 0 && firstMs === at) return now
    return firstMs + rounds * perMs
  }

  available(now: number): number {
    return Math.max(0, this.#settings.limit - this.#taken + this.#expiredAt(this.#notBefore(now)))
  }

  /** The instants stay. With more of them than the new limit, the next permit comes when enough have expired. */
  resize(settings: SlidingWindowSettings): void {
    this.#settings = settings
  }

  /** If the clock went back, time stops at the newest instant. */
  #notBefore(now: number): number {
    return this.#taken === 0 ? now : Math.max(now, this.#at(this.#taken - 1))
  }

  /** Removes the permits that have expired. */
  #expire(now: number): void {
    const { perMs } = this.#settings
    if (this.#taken === 0) return
    if (this.#at(this.#taken - 1) + perMs <= now) {
      this.#taken = 0
      return
    }
    while (this.#at(0) + perMs <= now) {
      this.#oldest = (this.#oldest + 1) % this.#instants.length
      this.#taken -= 1
    }
  }

  /** Returns how many of the stored permits have expired, by binary search. */
  #expiredAt(now: number): number {
    const { perMs } = this.#settings
    let low = 0
    let high = this.#taken
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#at(middle) + perMs <= now) low = middle + 1
      else high = middle
    }
    return low
  }

  #add(at: number, count: number): void {
    while (this.#taken + count > this.#instants.length) this.#grow(this.#taken + count)
    for (let added = 0; added < count; added += 1) this.#set(this.#taken + added, at)
    this.#taken += count
  }

  #grow(needed: number): void {
    // A settled call may have taken more than the limit.
    const largest = Math.max(this.#settings.limit, needed)
    const larger = new Float64Array(Math.min(largest, this.#instants.length * 2))
    for (let index = 0; index < this.#taken; index += 1) larger[index] = this.#at(index)
    this.#instants = larger
    this.#oldest = 0
  }

  #at(index: number): number {
    return this.#instants[(this.#oldest + index) % this.#instants.length] as number
  }

  #set(index: number, atMs: number): void {
    this.#instants[(this.#oldest + index) % this.#instants.length] = atMs
  }
}
