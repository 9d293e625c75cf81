import type { Clock } from '../../core/clock.ts'
import type { HedgeSettings } from './options.ts'

/** The outcomes of a hedged call. `hedge_won`: a later attempt answered first. */
export type HedgeOutcome = 'first_won' | 'hedge_won' | 'failed' | 'cancelled'

/** What a hedged call reads from its policy and reports to it. */
export interface HedgeRules {
  /** The policy's name within the shield. */
  readonly policy: string
  readonly clock: Clock
  readonly settings: HedgeSettings
  /** How long to wait for an answer before the next hedge. */
  delayMs(now: number): number
  /** Pays for one hedge; false if the budget is empty. */
  tryWithdraw(now: number): boolean
  /** Called before a hedge starts. */
  onHedge(attempt: number, delayMs: number): void
  /**
   * Called when an attempt has answered.
   *
   * @param hedge the number of the attempt; undefined if it is the first one
   * @param latencyMs undefined if the answer is not a success
   * @param durationMs the time since the first attempt began
   */
  onWin(hedge: number | undefined, latencyMs: number | undefined, durationMs: number, now: number): void
  /** Called once: with the first answer, the last failure, or the cancellation. */
  onDecided(outcome: HedgeOutcome, attempts: number, durationMs: number, error?: unknown): void
}
