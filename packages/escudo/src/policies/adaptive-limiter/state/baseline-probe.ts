import { clamp, type LimitSettings } from './limit.ts'

// The number of rounds with a queue that lead to a probe. It is the probe multiplier of Netflix's VegasLimit. That one
// counts calls, in multiples of the limit, which amounts to about the same.
const QUEUEING_ROUNDS = 30
// One round of few calls is a noisy measurement, so a probe moves the baseline only half of the way.
const CORRECTION_SHARE = 0.5

/**
 * Measures the baseline: how long a call takes without a queue.
 *
 * While a limit is full, every call waits in the queue that the limit itself allows. A baseline that learns from those
 * calls rises, and raises the limit with it, as long as the overload lasts. After thirty such rounds the limit is
 * therefore halved for one round, so that the queue drains, and that round measures the baseline. BBR measures its
 * round-trip time in the same way, as did Netflix's first GradientLimit.
 *
 * A limit that is not full is never lowered: that would reject calls of a healthy service.
 */
export class BaselineProbe {
  #queueingRounds = 0
  #active = false

  /** Returns the limit, which is lowered during a probe. */
  limit(estimate: number, settings: LimitSettings): number {
    return Math.floor(this.#active ? clamp(settings, estimate / 2) : estimate)
  }

  /** Ends the current round. Returns whether it was a probe. */
  end(): boolean {
    const wasActive = this.#active
    this.#active = false
    return wasActive
  }

  /**
   * Counts a round that was not a probe, and starts a probe if it is time.
   *
   * @param full whether the limit was full
   * @param queueing whether calls waited
   */
  observe(full: boolean, queueing: boolean): void {
    if (!full) this.#queueingRounds = 0
    else if (queueing) this.#queueingRounds += 1
    if (this.#queueingRounds < QUEUEING_ROUNDS) return
    this.#queueingRounds = 0
    this.#active = true
  }

  /** Returns the baseline after a probe has measured `measuredMs`. */
  corrected(baselineMs: number, measuredMs: number): number {
    return baselineMs + (measuredMs - baselineMs) * CORRECTION_SHARE
  }
}
