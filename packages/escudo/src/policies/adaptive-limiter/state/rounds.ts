/** What the calls of one round came to. */
export interface Round {
  /** The average time of the calls that were not lost; 0 when all were. */
  readonly rttMs: number
  /** The most that were in flight. */
  readonly inFlight: number
  /** Whether so many were lost that it must be overload, and no accident. */
  readonly congested: boolean
}

// The least window that Netflix's WindowedLimit takes; it is content with ten samples, whose average is still all chance.
const ROUND_MS_MIN = 100
const SAMPLES_MIN = 30
// A quicker answer did not come from a dependency: WindowedLimit ignores it too.
const RTT_MS_MIN = 0.1
// One timeout among a hundred answers says nothing about load.
const CONGESTED_SHARE = 0.1

/**
 * Gathers samples into rounds, so that a limit is judged by what happened under it. A round first waits until half of
 * the calls that can be in flight have begun in it and ended: by then the limit that it began with shows. Then it takes
 * whatever ends, as many calls as can be in flight, at least thirty, and for at least 100 ms in all. So under
 * load it lasts two to three round trips.
 *
 * TCP changes its window once in a round trip for the same reason: whoever reacts to each of forty late answers reacts
 * forty times to one event, and whoever grows with each of forty quick ones has doubled the load before the first
 * answer under it is back. (To take only calls that began and ended in the round would be simpler, and wrong: it would
 * miss the slow ones.)
 */
export class Rounds {
  #startMs: number | undefined
  /** Calls that began in this round and have ended. */
  #own = 0
  #settled = false
  #inFlight = 0
  #sumMs = 0
  #answered = 0
  #lost = 0

  /** Takes a sample in. Gives the round when it ends with this sample; the next one has begun then. */
  add(rttMs: number, inFlight: number, lost: boolean, now: number): Round | undefined {
    if (!(rttMs >= (lost ? 0 : RTT_MS_MIN))) return undefined
    const beganMs = now - rttMs
    this.#startMs ??= beganMs
    if (beganMs >= this.#startMs) {
      this.#own += 1
      this.#inFlight = Math.max(this.#inFlight, inFlight)
    }
    if (!this.#settled) {
      this.#settled = this.#own > 0 && this.#own * 2 >= this.#inFlight
      return undefined
    }
    if (lost) this.#lost += 1
    else {
      this.#answered += 1
      this.#sumMs += rttMs
    }
    const samples = this.#answered + this.#lost
    if (samples < Math.max(SAMPLES_MIN, this.#inFlight) || now - this.#startMs < ROUND_MS_MIN) return undefined
    const round: Round = {
      rttMs: this.#answered === 0 ? 0 : this.#sumMs / this.#answered,
      inFlight: this.#inFlight,
      congested: this.#lost / samples >= CONGESTED_SHARE,
    }
    this.#begin(now)
    return round
  }

  #begin(now: number): void {
    this.#startMs = now
    this.#own = 0
    this.#settled = false
    this.#inFlight = 0
    this.#sumMs = 0
    this.#answered = 0
    this.#lost = 0
  }
}
