import type { LimitOfFleet } from '../../core/shared-state.ts'

/**
 * One instance's share of a limit, for the time in which Redis does not answer.
 *
 * It is a token bucket with the limit divided by the number of instances, full when Redis disappears for the first time.
 * From then on it follows what the instance takes from Redis too. All shares together therefore add one burst to the
 * limit, not one for each time that Redis disappears.
 *
 * Pure: `now` is an argument. If the clock goes back, no permit comes until it has caught up.
 */
export class LocalShare {
  /** The permits at `#atMs`. Not a whole number. */
  #permits = 0
  #atMs: number
  #ratePerMs = 0
  #capacity = 1

  constructor(limit: LimitOfFleet, instances: number, now: number) {
    this.#atMs = now
    this.resize(limit, instances, now)
    this.#permits = limit.burst / instances
  }

  /** Changes the limit or the number of instances. */
  resize({ limit, perMs, burst }: LimitOfFleet, instances: number, now: number): void {
    this.#refill(now)
    this.#ratePerMs = limit / perMs / instances
    // Less than one permit would never let a call through.
    this.#capacity = Math.max(1, burst / instances)
    this.#permits = Math.min(this.#permits, this.#capacity)
  }

  /** Takes a permit; false if there is none. */
  tryAcquire(now: number): boolean {
    this.#refill(now)
    if (this.#permits < 1) return false
    this.#permits -= 1
    return true
  }

  /** Counts permits that the instance has received from Redis. */
  debit(permits: number, now: number): void {
    this.#refill(now)
    this.#permits = Math.max(0, this.#permits - permits)
  }

  /** The number of permits now. */
  available(now: number): number {
    this.#refill(now)
    return Math.floor(this.#permits)
  }

  /** The instant at which `permits` permits are there. */
  permitAtMs(permits: number, now: number): number {
    this.#refill(now)
    const missing = permits - this.#permits
    return missing <= 0 ? now : now + missing / this.#ratePerMs
  }

  #refill(now: number): void {
    const elapsedMs = now - this.#atMs
    if (elapsedMs <= 0) return
    this.#permits = Math.min(this.#capacity, this.#permits + elapsedMs * this.#ratePerMs)
    this.#atMs = now
  }
}
