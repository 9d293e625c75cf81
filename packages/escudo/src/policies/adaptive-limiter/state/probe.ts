import { type LimitSettings, within } from './limit.ts'

// How many rounds of queueing lead to a probe: the probe multiplier of Netflix's VegasLimit, which counts limits' worth
// of calls, and so about the same.
const QUEUEING_ROUNDS = 30
// One round of few calls is a noisy measurement; half of it is believed each time.
const BELIEVED_SHARE = 0.5

/**
 * Measures how long a call takes where none waits. While a limit is full, every call waits in the queue that the limit
 * itself allows; a baseline that learns from those walks up, and takes the limit with it, for as long as the overload
 * lasts. So after thirty such rounds the limit is halved for one, the queue drains, and what is measured then is the
 * baseline. BBR measures its round-trip time in the same way, and Netflix's first GradientLimit did.
 *
 * A limit that is not full is never lowered: that would refuse calls of a healthy service.
 */
export class Probe {
  #queueingRounds = 0
  #measures = false

  /** The limit, lowered while the probe measures. */
  limit(estimate: number, settings: LimitSettings): number {
    return Math.floor(this.#measures ? within(settings, estimate / 2) : estimate)
  }

  /** A round is over: whether it was the one that measured. */
  ends(): boolean {
    const measured = this.#measures
    this.#measures = false
    return measured
  }

  /** A round is over in which calls waited (`queueing`), or in which the limit was not full. */
  observe(full: boolean, queueing: boolean): void {
    if (!full) this.#queueingRounds = 0
    else if (queueing) this.#queueingRounds += 1
    if (this.#queueingRounds < QUEUEING_ROUNDS) return
    this.#queueingRounds = 0
    this.#measures = true
  }

  /** The baseline after a measurement. */
  corrected(baselineMs: number, measuredMs: number): number {
    return baselineMs + (measuredMs - baselineMs) * BELIEVED_SHARE
  }
}
