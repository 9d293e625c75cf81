import type { LastFailure } from '../../../core/events/events.ts'
import type { HalfOpenTrial } from './half-open-trial.ts'
import { type BreakerSettings, openForMs } from './settings.ts'

/**
 * The facts of one opening, kept while the circuit is open and then half-open.
 *
 * Created when the circuit opens, so that a healthy key needs no memory for it. Instants are on the breaker's clock.
 */
export class OpenPeriod {
  /** The number of consecutive openings, from 1 (this one). It determines the length of a growing open period. */
  readonly opening: number
  readonly openedMs: number
  /** The instant at which the circuit becomes half-open. A fleet may move it. */
  openUntilMs: number
  /** Whether only the fleet ends the open period, not the time. */
  isHeld = false
  /** The count that opened the circuit. It stays visible until the circuit closes. */
  readonly failures: number
  readonly calls: number
  /** Why the circuit opened; undefined if it was restored from a state that does not say it. */
  reason: string | undefined
  /** Set if and only if the circuit is half-open. */
  trial: HalfOpenTrial | undefined = undefined

  constructor(
    opening: number,
    openedMs: number,
    openUntilMs: number,
    failures: number,
    calls: number,
    reason: string | undefined,
  ) {
    this.opening = opening
    this.openedMs = openedMs
    this.openUntilMs = openUntilMs
    this.failures = failures
    this.calls = calls
    this.reason = reason
  }

  /** When the open period ends by itself; undefined if only the fleet ends it. */
  get endsMs(): number | undefined {
    return this.isHeld ? undefined : this.openUntilMs
  }

  get lengthMs(): number {
    return this.openUntilMs - this.openedMs
  }
}

/** Why a circuit opens. */
interface Opening {
  readonly reason: string
  readonly failures: number
  readonly calls: number
  readonly lastFailure: LastFailure | undefined
  /** The hint of the failure that opens the circuit. */
  readonly retryAfterMs: number | undefined
}

/** The open period that begins now, after the one in which the circuit has been until now. */
export function openPeriodAfter(
  previous: OpenPeriod | undefined,
  { openPeriod, random = Math.random }: BreakerSettings,
  { reason, failures, calls, lastFailure, retryAfterMs }: Opening,
  now: number,
): OpenPeriod {
  const opening = (previous?.opening ?? 0) + 1
  const computedMs = openPeriod.lengthMs?.(opening, lastFailure, previous?.lengthMs, random)
  const untilMs = now + openForMs(openPeriod, opening, retryAfterMs, computedMs)
  return new OpenPeriod(opening, now, untilMs, failures, calls, reason)
}
