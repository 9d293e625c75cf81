/** The result of one round. */
export interface Round {
  /** The average duration of the calls that were not dropped; 0 if all were. */
  readonly rttMs: number
  /** The highest number of calls in flight. */
  readonly inFlight: number
  /** Whether enough calls were dropped to indicate overload. */
  readonly congested: boolean
}

// The shortest window of Netflix's WindowedLimit.
const ROUND_MS_MIN = 100
// WindowedLimit accepts ten samples, but the average of ten is still too random.
const SAMPLES_MIN = 30
// No dependency is faster. WindowedLimit ignores such calls too.
const RTT_MS_MIN = 0.1
// One timeout in a hundred calls says nothing about load.
const CONGESTED_SHARE = 0.1

/**
 * Groups samples into rounds, so that a limit is judged by its own effect.
 *
 * A round first waits until half of the calls that can be in flight have started in it and ended: by then the current
 * limit shows its effect. It then counts every call that ends: as many as can be in flight, at least thirty, and until
 * the round has lasted at least 100 ms. Under load a round therefore lasts two to three round trips.
 *
 * TCP changes its window once per round trip for the same reason. A limit that reacts to each of forty late calls
 * reacts forty times to one event. A limit that grows with each of forty fast calls has doubled the load before the
 * first call under that load returns. To count only calls that start and end in the round would be simpler, but would
 * miss the slow ones.
 */
export class Rounds {
  #startMs: number | undefined
  /** How many calls have started in this round and ended. */
  #startedAndEnded = 0
  /** Whether the round has waited long enough, and counts calls. */
  #counting = false
  #inFlight = 0
  #sumMs = 0
  #answered = 0
  #dropped = 0

  /** Adds a sample. Returns the round if it ends with this sample; the next round has then begun. */
  add(rttMs: number, inFlight: number, dropped: boolean, now: number): Round | undefined {
    if (!(rttMs >= (dropped ? 0 : RTT_MS_MIN))) return undefined
    const startedMs = now - rttMs
    this.#startMs ??= startedMs
    if (startedMs >= this.#startMs) {
      this.#startedAndEnded += 1
      this.#inFlight = Math.max(this.#inFlight, inFlight)
    }
    if (!this.#counting) {
      this.#counting = this.#startedAndEnded > 0 && this.#startedAndEnded * 2 >= this.#inFlight
      return undefined
    }
    if (dropped) this.#dropped += 1
    else {
      this.#answered += 1
      this.#sumMs += rttMs
    }
    const samples = this.#answered + this.#dropped
    if (samples < Math.max(SAMPLES_MIN, this.#inFlight) || now - this.#startMs < ROUND_MS_MIN) return undefined
    const round: Round = {
      rttMs: this.#answered === 0 ? 0 : this.#sumMs / this.#answered,
      inFlight: this.#inFlight,
      congested: this.#dropped / samples >= CONGESTED_SHARE,
    }
    this.#begin(now)
    return round
  }

  #begin(now: number): void {
    this.#startMs = now
    this.#startedAndEnded = 0
    this.#counting = false
    this.#inFlight = 0
    this.#sumMs = 0
    this.#answered = 0
    this.#dropped = 0
  }
}
