import type { BreakerState } from '../../../core/events/events.ts'
import type { Trip } from './trips/trip-rule.ts'

/**
 * How long a circuit stays open: `baseMs`, times `factor` with each opening in a row, at most `maxMs`; and as long as
 * the dependency's own Retry-After where that is longer, at most `retryAfterMaxMs`.
 */
export interface OpenTime {
  readonly baseMs: number
  readonly factor: number
  readonly maxMs: number
  /** 0 ignores every Retry-After. */
  readonly retryAfterMaxMs: number
}

/** How a half-open circuit decides. */
export interface HalfOpenSettings {
  /** At most this many calls go through. */
  readonly probes: number
  /** The share of them that must succeed for the circuit to close. */
  readonly closeAt: number
  /** A probe that has not settled within this time counts as a failure. */
  readonly leaseMs: number
}

/** How traffic returns after the dependency has recovered: each share of the calls for `eachMs`, then all of them. */
export interface RampSettings {
  /** Shares above 0 and at most 1, rising. */
  readonly steps: readonly number[]
  readonly eachMs: number
}

/** `enforce` refuses. `observe` counts, changes states and tells of them, and refuses nothing. */
export type BreakerMode = 'enforce' | 'observe'

/** A change of state, told at the moment at which it becomes true. */
export interface Transition {
  readonly from: BreakerState
  readonly to: BreakerState
  readonly reason: string
  readonly at: number
}

/** What all breakers of one policy share: with a breaker for each key there is one object of this, and no copy. */
export interface BreakerSettings {
  readonly trip: Trip
  readonly openTime: OpenTime
  readonly halfOpen: HalfOpenSettings
  readonly mode: BreakerMode
  /** Undefined: all calls are let through as soon as the circuit is closed. */
  readonly ramp: RampSettings | undefined
  /**
   * Hears every change of state, and of which breaker. It may act on the breaker: the change that it makes is told
   * before it returns. With a breaker for each key this is where a key is kept (`to` is not `closed`) and released.
   */
  readonly onTransition: (transition: Transition, breaker: { readonly key: string | undefined }) => void
}

/** How long the n-th opening in a row lasts, from 1, when the failure behind it said when to come back. */
export function openForMs(openTime: OpenTime, opening: number, retryAfterMs = 0): number {
  const { baseMs, factor, maxMs, retryAfterMaxMs } = openTime
  const ownMs = Math.min(maxMs, baseMs * factor ** (opening - 1))
  const hintMs = Math.min(retryAfterMs, retryAfterMaxMs)
  // Asked in this way, a hint that is no number changes nothing.
  return hintMs > ownMs ? hintMs : ownMs
}

/** The longest that a circuit is ever open at a stretch. */
export function openForMsMax({ maxMs, retryAfterMaxMs }: OpenTime): number {
  return Math.max(maxMs, retryAfterMaxMs)
}
