import { drawFrom } from '../../../core/random.ts'
import { bucketLength, TimeWindow } from '../../shared/state/time-window.ts'

/**
 * The state of a client-side throttle: recent requests and accepts, and the probability of a rejection.
 *
 * It follows "Handling Overload" in the SRE book (Beyer et al., "Site Reliability Engineering", chapter 21). With `r`
 * requests in the window, `a` of them accepted, the next request is rejected with the probability
 * `max(0, (r - k · a) / (r + 1))`.
 *
 * No request is rejected while at least one in `k` is accepted. A dependency that accepts less receives `k` times what
 * it accepts. A dependency that accepts nothing receives about one request per window, which detects its recovery. Pure.
 */
export class ThrottleState {
  #k: number
  #windowMs: number
  #requests: TimeWindow
  #accepts: TimeWindow

  constructor(k: number, windowMs: number) {
    this.#k = k
    this.#windowMs = windowMs
    const length = bucketLength(windowMs)
    this.#requests = new TimeWindow(length)
    this.#accepts = new TimeWindow(length)
  }

  /** Changes the options. The counts stay, unless the window has another length. */
  reconfigure(k: number, windowMs: number): void {
    this.#k = k
    if (windowMs === this.#windowMs) return
    this.#windowMs = windowMs
    const length = bucketLength(windowMs)
    this.#requests = new TimeWindow(length)
    this.#accepts = new TimeWindow(length)
  }

  /** Returns the number of requests in the window, including the rejected ones. */
  requests(now: number): number {
    this.#requests.advance(now)
    return this.#requests.calls
  }

  /** Returns the number of accepts in the window. */
  accepts(now: number): number {
    this.#accepts.advance(now)
    return this.#accepts.calls
  }

  /** Returns the probability that the next request is rejected. */
  rejectionProbability(now: number): number {
    const requests = this.requests(now)
    return Math.max(0, (requests - this.#k * this.accepts(now)) / (requests + 1))
  }

  /** Counts a request. Returns whether it may be sent. Calls `random` only if the probability is not 0. */
  admit(now: number, random: () => number): boolean {
    const probability = this.rejectionProbability(now)
    this.#requests.record(false, now)
    return probability === 0 || !(drawFrom(random) < probability)
  }

  /** Counts an accept. */
  accept(now: number): void {
    this.#accepts.record(false, now)
  }
}
