import { ProbePermit } from './permit.ts'
import type { HalfOpenSettings } from './settings.ts'

/**
 * The probes of one half-open state, and what they have shown.
 *
 * Invariant: in flight + successes + failures <= `probes`. A counted probe keeps its permit, so at most `probes` calls
 * go through and count. An ignored probe is only released: another call may take its permit.
 */
export class HalfOpenTrial {
  /** The end of the lease of a fleet. No probe begins after it. */
  untilMs: number = Number.POSITIVE_INFINITY
  readonly #settings: HalfOpenSettings
  readonly #successesNeeded: number
  // In the order of their start. All leases are equally long, so the first entry is the first to expire.
  readonly #inFlight = new Set<ProbePermit>()
  #successes = 0
  #failures = 0

  constructor(settings: HalfOpenSettings) {
    this.#settings = settings
    this.#successesNeeded = successesNeeded(settings)
  }

  /** Grants a permit for one more probe; undefined if all permits are taken. */
  tryProbe(generation: number, now: number): ProbePermit | undefined {
    const { probes, leaseMs } = this.#settings
    if (this.#inFlight.size + this.#successes + this.#failures >= probes || now >= this.untilMs) return undefined
    const permit = new ProbePermit(generation, now + leaseMs)
    this.#inFlight.add(permit)
    return permit
  }

  /** Whether a probe is in flight or has been counted. */
  get hasBegun(): boolean {
    return this.#inFlight.size + this.#successes + this.#failures > 0
  }

  /** False once the probe is released, by {@link release} or at the end of its lease. */
  isInFlight(permit: ProbePermit): boolean {
    return this.#inFlight.has(permit)
  }

  /** The instant at which the first lease ends; undefined if no probe is in flight. */
  get firstLeaseEndsMs(): number | undefined {
    const [first] = this.#inFlight
    return first?.leaseEndsMs
  }

  /** Removes a probe from those in flight; false if its lease has ended it already. */
  release(permit: ProbePermit): boolean {
    return this.#inFlight.delete(permit)
  }

  /** Removes one probe whose lease has ended; false if there is none. */
  releaseExpired(now: number): boolean {
    const [first] = this.#inFlight
    return first !== undefined && now >= first.leaseEndsMs && this.#inFlight.delete(first)
  }

  /** Counts a released probe. Decides as soon as the remaining probes cannot change the result. */
  count(failed: boolean): 'recovered' | 'failed' | 'undecided' {
    if (failed) this.#failures += 1
    else this.#successes += 1
    if (this.#successes >= this.#successesNeeded) return 'recovered'
    return this.#failures > this.#settings.probes - this.#successesNeeded ? 'failed' : 'undecided'
  }
}

/** The smallest number of successes whose share of the probes reaches `closeAt`. */
function successesNeeded({ probes, closeAt }: HalfOpenSettings): number {
  const rounded = Math.ceil(probes * closeAt)
  // Binary rounding: 25 * 0.28 is slightly above 7, but 7 / 25 is exactly 0.28. The quotient decides.
  return rounded > 1 && (rounded - 1) / probes >= closeAt ? rounded - 1 : rounded
}
