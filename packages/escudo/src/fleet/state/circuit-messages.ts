import type { BreakerState } from '../../core/events/events.ts'

/** A circuit counts as a member this long after its last question. */
export const MEMBER_MS = 3_000
/** A lease lasts this long after its last renewal. Members ask every second, so it survives two lost answers. */
export const PROBE_LEASE_MS = 3_000
/** An idle holder keeps the lease at least this long, and twice as long at each further lease of the open period. */
export const HOLD_MS = 1_000
export const HOLD_MS_MAX = 3_600_000
/** With fewer live members every circuit is local. */
export const MEMBERS_MIN = 3
/** The fleet's circuit opens only if at least this many members see it failing. */
export const VOTES_MIN = 2

/** How a member wants the lease: not at all, because the open period is over, or because it has refused a call. */
export type Want = 0 | 1 | 2

/** What a member reports about the lease that it holds. */
export type ProbeResult = 'none' | 'success' | 'failure' | 'released'

/** What a member sends to Redis: each second, and at each change of its circuit. */
export interface CircuitQuestion {
  /** The generation that the member knows; 0 if it knows none. */
  readonly generation: number
  /** Whether the fleet's circuit is open in that generation, as far as the member knows. */
  readonly open: boolean
  /** The rest of the open period. */
  readonly remainingMs: number
  /** Whether the member's own circuit is open or half-open by its own decision. */
  readonly vote: boolean
  /** Whether the member has had enough calls to judge. */
  readonly enough: boolean
  readonly want: Want
  /** The number of the lease that the member holds; 0 if it holds none. */
  readonly lease: number
  readonly result: ProbeResult
  /** Whether a probe has begun under the lease. */
  readonly probing: boolean
  /** How long the circuit stays open if this question opens it. */
  readonly openForMs: number
  /** The share of the voters that opens the circuit. */
  readonly quorum: number
  /** For the status. */
  readonly state: BreakerState
}

/** What Redis answers. */
export interface CircuitAnswer {
  readonly generation: number
  readonly open: boolean
  readonly remainingMs: number
  /** How many members saw the dependency failing when the circuit opened, of how many with enough calls. */
  readonly votes: number
  readonly of: number
  /** The number of the lease that the member holds now; 0 if it holds none. */
  readonly lease: number
  /** Whether another member has calls, and this one should release its idle lease. */
  readonly release: boolean
  /** Whether the circuit was isolated for the whole fleet, and the number of that order. */
  readonly isolated: boolean
  readonly order: number
}
