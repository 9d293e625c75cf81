/** Leave to run an operation. Its result counts only in the era, the generation, in which the leave was given. */
export interface Permit {
  readonly generation: number
  /** Whether the call is a probe of a half-open circuit. */
  readonly probe: boolean
}

/**
 * The ticket of all calls in a breaker's first generation that are no probes. Of all breakers: a key whose circuit has
 * never changed has no ticket of its own.
 */
export const FIRST_PERMIT: Permit = { generation: 0, probe: false }

/** A probe's ticket, with the instant at which its lease ends. */
export class ProbePermit implements Permit {
  readonly probe = true
  readonly generation: number
  readonly leaseEndsMs: number

  constructor(generation: number, leaseEndsMs: number) {
    this.generation = generation
    this.leaseEndsMs = leaseEndsMs
  }
}
