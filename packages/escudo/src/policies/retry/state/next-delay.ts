import { type Call, scopeOf } from '../../../core/engine/call.ts'
import type { Classify, Verdict } from '../../../core/outcome.ts'
import { isRefusal, mayRetry } from '../../../errors/classification.ts'
import { read } from '../../../errors/to-json.ts'
import type { RetryBudget } from '../../shared/state/retry-budget.ts'
import type { Backoff } from './backoff.ts'

/** What a retry goes by: its options, read and checked. */
export interface RetryRules {
  readonly maxRetries: number
  readonly backoff: Backoff
  readonly classify: Classify | undefined
  /** No retry begins that much after the first attempt began. */
  readonly maxTotalMs: number
  /** How long an error's own hint may be; below 0 hints are ignored. */
  readonly retryAfterMaxMs: number
  /** What pays for retries, shared with others. */
  readonly budget: RetryBudget | undefined
}

/** An attempt that did not succeed, and what came before it. */
export interface FailedAttempt {
  readonly attempt: Call
  readonly verdict: Verdict
  /** What it threw; undefined where a classifier rejected its value. */
  readonly error: unknown
  /** When the first attempt began. */
  readonly firstStartedMs: number
  /** The delay before this attempt; undefined for the first one. */
  readonly previousDelayMs: number | undefined
}

/** Why there is no further attempt. */
export type StopReason =
  | 'no retries left'
  | 'given up by its caller or cut by a timeout'
  | 'nothing to retry'
  | 'refused for longer than the next delay'
  | 'past maxTotal'
  | 'past the deadline'
  | 'no budget left'

/** How long to wait before the next attempt, in milliseconds, or why there is none. */
export function nextDelayMs(rules: RetryRules, ended: FailedAttempt): number | StopReason {
  const { attempt: call, verdict, error } = ended
  const refused = isRefusal(error)
  if (scopeOf(call)?.cancellation !== undefined) return 'given up by its caller or cut by a timeout'
  if (!refused && (verdict !== 'failure' || !mayRetry(error))) return 'nothing to retry'
  if (call.attempt > rules.maxRetries) return 'no retries left'
  const backoffMs = rules.backoff.delayMs(call.attempt - 1, call.random, ended.previousDelayMs)
  const hintMs = retryAfterHintMs(error)
  // An open circuit says when it lets a call through again: within the next delay, or not worth waiting for.
  if (refused && (hintMs === undefined || hintMs > backoffMs)) return 'refused for longer than the next delay'
  const hinted = !refused && hintMs !== undefined && rules.retryAfterMaxMs >= 0
  const delayMs = hinted ? Math.min(hintMs, rules.retryAfterMaxMs) : backoffMs
  const now = call.clock.now()
  const beginsAt = now + delayMs
  if (beginsAt - ended.firstStartedMs > rules.maxTotalMs) return 'past maxTotal'
  if (call.deadline !== undefined && beginsAt >= call.deadline) return 'past the deadline'
  // Last, since it is paid here.
  return (rules.budget?.tryWithdraw(now) ?? true) ? delayMs : 'no budget left'
}

/** What an error says of when to come back, in milliseconds; undefined when it says nothing that makes sense. */
export function retryAfterHintMs(error: unknown): number | undefined {
  const retryAfterMs = read(error, 'retryAfterMs')
  return typeof retryAfterMs === 'number' && retryAfterMs >= 0 ? retryAfterMs : undefined
}
