/** Allows one call to run. Its result counts only in the generation in which the permit was granted. */
export interface Permit {
  readonly generation: number
  /** Whether the call is a probe of a half-open circuit. */
  readonly probe: boolean
}

/**
 * The shared permit of every breaker's first generation.
 *
 * All breakers share it, so that a circuit that has never changed needs no memory for a permit.
 */
export const FIRST_PERMIT: Permit = { generation: 0, probe: false }

/** The permit of one probe, with the instant at which its lease ends. */
export class ProbePermit implements Permit {
  readonly probe = true
  readonly generation: number
  readonly leaseEndsMs: number

  constructor(generation: number, leaseEndsMs: number) {
    this.generation = generation
    this.leaseEndsMs = leaseEndsMs
  }
}
