import { bucketLength, TimeWindow } from '../../shared/state/time-window.ts'

/**
 * The state of a client-side throttle, after "Handling Overload" in the SRE book (Beyer et al., "Site Reliability
 * Engineering", chapter 21): requests and accepts of the recent past, and the probability with which the next request is
 * held back. Pure.
 *
 * Of `r` requests in the window of which `a` were accepted, the next is held back with probability
 * `max(0, (r - k · a) / (r + 1))`. So nothing is held back while at least one in `k` is accepted; a dependency that takes
 * less is sent `k` times what it takes; and one that takes nothing is sent about one request per window, which is how it
 * is found out that it is back.
 */
export class ThrottleState {
  readonly #k: number
  readonly #requests: TimeWindow
  readonly #accepts: TimeWindow

  constructor(k: number, windowMs: number) {
    this.#k = k
    const length = bucketLength(windowMs)
    this.#requests = new TimeWindow(length)
    this.#accepts = new TimeWindow(length)
  }

  /** How many wanted to be sent, those that were held back included. */
  requests(now: number): number {
    this.#requests.advance(now)
    return this.#requests.calls
  }

  /** How many of what was sent was accepted. */
  accepts(now: number): number {
    this.#accepts.advance(now)
    return this.#accepts.calls
  }

  /** That the next request is held back. */
  rejectionProbability(now: number): number {
    const requests = this.requests(now)
    return Math.max(0, (requests - this.#k * this.accepts(now)) / (requests + 1))
  }

  /** Counts a request and tells whether it may be sent. Chance is asked only where it decides. */
  admit(now: number, random: () => number): boolean {
    const probability = this.rejectionProbability(now)
    this.#requests.record(false, now)
    return probability === 0 || !(random() < probability)
  }

  /** Counts what was accepted. */
  accept(now: number): void {
    this.#accepts.record(false, now)
  }
}
