import { ProbePermit } from './permit.ts'
import type { HalfOpenSettings } from './settings.ts'

/**
 * What a half-open circuit has learned: its probes, those in flight and those decided. Decided probes keep their
 * places, for the circuit lets `probes` calls through in all, and then knows.
 */
export class HalfOpenTrial {
  readonly #settings: HalfOpenSettings
  readonly #successesNeeded: number
  // In the order in which they were given, so the first lease ends first.
  readonly #inFlight = new Set<ProbePermit>()
  #successes = 0
  #failures = 0

  constructor(settings: HalfOpenSettings) {
    this.#settings = settings
    this.#successesNeeded = successesNeeded(settings)
  }

  /** Leave for one more probe, or undefined when all places are taken. */
  tryProbe(generation: number, now: number): ProbePermit | undefined {
    const { probes, leaseMs } = this.#settings
    if (this.#inFlight.size + this.#successes + this.#failures >= probes) return undefined
    const ticket = new ProbePermit(generation, now + leaseMs)
    this.#inFlight.add(ticket)
    return ticket
  }

  /** When the first lease ends; undefined when no probe is in flight. */
  get firstLeaseEndsMs(): number | undefined {
    // Of an empty set the first is undefined.
    const [first] = this.#inFlight
    return first?.leaseEndsMs
  }

  /** Takes a probe out; false when it is out already. */
  end(ticket: ProbePermit): boolean {
    return this.#inFlight.delete(ticket)
  }

  /** Takes out the next probe whose lease is over; false when there is none. */
  endExpired(now: number): boolean {
    const [first] = this.#inFlight
    return first !== undefined && now >= first.leaseEndsMs && this.#inFlight.delete(first)
  }

  /** Counts a probe, and says what is decided: as soon as it is fixed, whatever the remaining probes will say. */
  count(failed: boolean): 'recovered' | 'failed' | 'undecided' {
    if (failed) this.#failures += 1
    else this.#successes += 1
    if (this.#successes >= this.#successesNeeded) return 'recovered'
    return this.#failures > this.#settings.probes - this.#successesNeeded ? 'failed' : 'undecided'
  }
}

/** The least number of successes whose share of the probes reaches `closeAt`. */
function successesNeeded({ probes, closeAt }: HalfOpenSettings): number {
  const rounded = Math.ceil(probes * closeAt)
  // 25 * 0.28 is a hair above 7, while 7 / 25 is 0.28: the quotient is the one that people mean.
  return rounded > 1 && (rounded - 1) / probes >= closeAt ? rounded - 1 : rounded
}
