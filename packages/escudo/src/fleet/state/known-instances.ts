/**
 * How many instances live, as one of them knows it.
 *
 * A smaller number counts only after a while. When Redis has lost its data or had no memory, the first instance that says
 * that it lives is alone for a moment: it would take the whole limit as its share.
 *
 * Pure: `now` is an argument, in milliseconds on one monotonic clock.
 */
export class KnownInstances {
  readonly #holdMs: number
  #count = 1
  /** Until then, no smaller number counts. */
  #heldUntilMs = Number.NEGATIVE_INFINITY
  #hasFailed = false

  /** @param holdMs how long a number counts at least: longer than each instance needs to say that it lives */
  constructor(holdMs: number) {
    this.#holdMs = holdMs
  }

  get count(): number {
    return this.#count
  }

  /** Redis has counted the instances. */
  answered(count: number, now: number): void {
    // The time without an answer says nothing about the others.
    if (this.#hasFailed) this.#heldUntilMs = now + this.#holdMs
    this.#hasFailed = false
    if (count < this.#count && now < this.#heldUntilMs) return
    this.#count = Math.max(1, count)
    this.#heldUntilMs = now + this.#holdMs
  }

  /** Redis has not answered. */
  failed(): void {
    this.#hasFailed = true
  }
}
