import type { BreakerState, LastFailure } from '../../../core/events/events.ts'
import type { Random } from '../../../core/random.ts'
import type { Trip } from './trips/trip-rule.ts'

/**
 * The length of an open period.
 *
 * It is `baseMs`, multiplied by `factor` for each further consecutive opening, at most `maxMs`. A longer Retry-After of
 * the dependency replaces it, up to `retryAfterMaxMs`.
 */
export interface OpenPeriodSettings {
  readonly baseMs: number
  readonly factor: number
  readonly maxMs: number
  /** 0 ignores every Retry-After. */
  readonly retryAfterMaxMs: number
  /**
   * Computes the length in place of the formula above; undefined: the formula. Never throws.
   *
   * @param opening the number of consecutive openings, from 1
   * @param previousMs the length of the open period before; undefined for the first one
   */
  readonly lengthMs?:
    | ((
        opening: number,
        lastFailure: LastFailure | undefined,
        previousMs: number | undefined,
        random: Random,
      ) => number)
    | undefined
}

/** How a half-open circuit decides. */
export interface HalfOpenSettings {
  /** The maximum number of calls that go through. */
  readonly probes: number
  /** The circuit closes when this share of the probes has succeeded. Above 0, at most 1. */
  readonly closeAt: number
  /** A probe that has not settled within this time counts as a failure. */
  readonly leaseMs: number
}

/** How traffic returns after a recovery: each share for `eachMs`, then all calls. */
export interface RampSettings {
  /** Rising shares, above 0 and at most 1. */
  readonly steps: readonly number[]
  readonly eachMs: number
}

/** `enforce` rejects calls. `observe` counts, changes the state and emits events, but rejects nothing. */
export type BreakerMode = 'enforce' | 'observe'

/** A change of state. */
export interface Transition {
  readonly from: BreakerState
  readonly to: BreakerState
  readonly reason: string
  /** When it happened, in milliseconds on the breaker's clock. */
  readonly at: number
  /** The count that opened the circuit; 0 if `to` is neither open nor half-open. */
  readonly failures: number
  /** The number of calls among which `failures` were counted. */
  readonly calls: number
  /** The last failure before an opening. Absent if there was none, and if `to` is neither open nor half-open. */
  readonly lastFailure?: LastFailure
}

/** The settings of all breakers of one policy. They share one object, even with one breaker per key. */
export interface BreakerSettings {
  readonly trip: Trip
  readonly openPeriod: OpenPeriodSettings
  readonly halfOpen: HalfOpenSettings
  readonly mode: BreakerMode
  /** Undefined: all calls go through as soon as the circuit is closed. */
  readonly ramp: RampSettings | undefined
  /** The random source of the shield. Default `Math.random`. */
  readonly random?: Random
  /**
   * Receives each transition and its breaker, after the breaker has changed.
   *
   * It may act on the breaker: it then receives the next transition before it returns from the first one. With one
   * breaker per key, this is the place to keep a key (`to` is not `closed`) or to release it.
   */
  readonly onTransition: (transition: Transition, breaker: { readonly key: string | undefined }) => void
}

/**
 * The length of an open period.
 *
 * @param opening the number of consecutive openings, from 1
 * @param retryAfterMs the hint of the failure that opened the circuit
 * @param computedMs the result of `lengthMs`
 */
export function openForMs(
  openPeriod: OpenPeriodSettings,
  opening: number,
  retryAfterMs = 0,
  computedMs?: number,
): number {
  const { baseMs, factor, maxMs, retryAfterMaxMs } = openPeriod
  const configuredMs = computedMs ?? Math.min(maxMs, baseMs * factor ** (opening - 1))
  const hintMs = Math.min(retryAfterMs, retryAfterMaxMs)
  // Not Math.max: with this comparison a NaN hint is ignored.
  return hintMs > configuredMs ? hintMs : configuredMs
}

/** The longest possible open period. */
export function openForMsMax({ maxMs, retryAfterMaxMs }: OpenPeriodSettings): number {
  return Math.max(maxMs, retryAfterMaxMs)
}
