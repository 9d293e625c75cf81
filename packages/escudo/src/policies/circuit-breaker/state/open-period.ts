import type { HalfOpenTrial } from './half-open-trial.ts'

/**
 * The time from an opening until the circuit closes or opens again. A breaker has one only while it is open or
 * half-open, so a healthy key does not pay for it.
 */
export class OpenPeriod {
  /** The how manieth opening in a row it is, from 1: openings make the open time grow. */
  readonly opening: number
  readonly openedMs: number
  readonly openUntilMs: number
  /** The count that opened the circuit: it stays visible until the circuit closes. */
  readonly failures: number
  readonly calls: number
  /** There while the circuit is half-open. */
  trial: HalfOpenTrial | undefined = undefined

  constructor(opening: number, openedMs: number, openUntilMs: number, failures: number, calls: number) {
    this.opening = opening
    this.openedMs = openedMs
    this.openUntilMs = openUntilMs
    this.failures = failures
    this.calls = calls
  }
}
