import type { RateLimit } from './rate-limit.ts'

/** How many permits, in which time. One object for all windows of a policy. */
export interface SlidingWindowSettings {
  readonly limit: number
  readonly perMs: number
}

// Room for that many instants at first: most keys never need more.
const ROOM_AT_FIRST = 8

/**
 * At most `limit` permits in any stretch of `perMs`, wherever it begins: a sliding log. It remembers the instant of each
 * permit of the last `perMs`, so at most `limit` of them, eight bytes each; room for them is made as they come.
 *
 * Not the sliding counter that estimates from two fixed windows: that one takes calls for evenly spread, lets through
 * more than the limit where they are not, and cannot say when the next permit comes.
 */
export class SlidingWindow implements RateLimit {
  readonly #settings: SlidingWindowSettings
  /** A ring of instants in the order of time; the oldest stands at `#oldest`. */
  #instants: Float64Array
  #oldest = 0
  #taken = 0

  constructor(settings: SlidingWindowSettings) {
    this.#settings = settings
    this.#instants = new Float64Array(Math.min(settings.limit, ROOM_AT_FIRST))
  }

  tryTake(now: number): number | undefined {
    const at = this.#notBefore(now)
    this.#forget(at)
    if (this.#taken >= this.#settings.limit) return undefined
    if (this.#taken === this.#instants.length) this.#grow()
    this.#set(this.#taken, at)
    this.#taken += 1
    return at
  }

  giveBack(permit: number): void {
    // From the newest on: what is given back was taken a moment ago. What has been forgotten is free already.
    let index = this.#taken - 1
    while (index >= 0 && this.#at(index) > permit) index -= 1
    if (index < 0) return
    for (; index < this.#taken - 1; index += 1) this.#set(index, this.#at(index + 1))
    this.#taken -= 1
  }

  permitAtMs(ahead: number, now: number): number {
    const { limit, perMs } = this.#settings
    const at = this.#notBefore(now)
    // Those ahead take the free places first, then each the place of the oldest: after a round all places are theirs.
    const rounds = Math.floor(ahead / limit)
    const free = limit - this.#taken
    const index = (ahead % limit) - free
    const firstMs = index < 0 ? at : Math.max(at, this.#at(index) + perMs)
    if (rounds === 0 && firstMs === at) return now
    return firstMs + rounds * perMs
  }

  available(now: number): number {
    return this.#settings.limit - this.#taken + this.#overAt(this.#notBefore(now))
  }

  /** A clock that went back stands still at the newest instant. */
  #notBefore(now: number): number {
    return this.#taken === 0 ? now : Math.max(now, this.#at(this.#taken - 1))
  }

  #forget(now: number): void {
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

  /** How many of the remembered instants are out of the window. Searched by halves. */
  #overAt(now: number): number {
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

  #grow(): void {
    const larger = new Float64Array(Math.min(this.#settings.limit, this.#instants.length * 2))
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
