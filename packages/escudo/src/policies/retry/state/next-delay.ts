import type { Classify, Outcome, Verdict } from '../../../core/outcome.ts'
import { drawFrom, type Random } from '../../../core/random.ts'
import { withCause } from '../../../core/secondary-error.ts'
import { factsOf } from '../../../errors/error-facts.ts'
import { synchronous } from '../../../errors/options/synchronous.ts'
import { retryAfterHintMs } from '../../shared/retry-after-hint.ts'
import type { RetryBudget } from '../../shared/state/retry-budget.ts'
import type { Backoff } from './backoff.ts'

/** The options of a retry, read and checked. */
export interface RetryRules {
  readonly maxRetries: number
  readonly backoff: Backoff
  readonly classify: Classify | undefined
  /** No retry starts later than this after the first attempt started. */
  readonly maxTotalMs: number
  /** The longest accepted `retryAfterMs` of an error; below 0: hints are ignored. */
  readonly retryAfterMaxMs: number
  /** Pays for retries; other policies and shields may share it. */
  readonly budget: RetryBudget | undefined
  /** Releases what a rejected value holds. */
  readonly onRejectedValue?: ((value: unknown) => unknown) | undefined
}

/** An attempt that did not succeed, and what came before it. */
export interface FailedAttempt {
  /** From 1. */
  readonly number: number
  readonly verdict: Verdict
  /** The error that it threw, or the value that a classifier counted as a failure. */
  readonly outcome: Outcome<unknown>
  /** Whether the call was cancelled: by its caller, by its deadline or by an outer timeout. */
  readonly cancelled: boolean
  /** Whether the reader of an iteration has received items: a retry would begin again with the first. */
  readonly delivered?: boolean
  /** The call's deadline, on the shield's clock. */
  readonly deadline: number | undefined
  /** When the first attempt started. */
  readonly firstStartedMs: number
  /** The delay before this attempt; undefined for the first one. */
  readonly previousDelayMs: number | undefined
}

/** Why there is no further attempt. */
export type StopReason =
  | 'no retries left'
  | 'cancelled'
  | 'nothing to retry'
  | 'items were delivered'
  | 'refused for longer than the next delay'
  | 'past maxTotal'
  | 'past the deadline'
  | 'no budget left'

/** Returns the delay before the next attempt in milliseconds, or the reason why there is none. */
export function nextDelayMs(
  rules: RetryRules,
  failed: FailedAttempt,
  now: number,
  random: Random,
): number | StopReason {
  const { number, verdict, deadline } = failed
  const error = errorOf(failed)
  if (failed.cancelled) return 'cancelled'
  if (failed.delivered) return 'items were delivered'
  const facts = factsOf(error)
  const refused = facts?.refusal === true
  if (facts?.retry === 'never' || (!refused && verdict !== 'failure')) return 'nothing to retry'
  if (number > rules.maxRetries) return 'no retries left'
  const backoffMs = backoffDelayMs(rules, failed, random)
  const hintMs = retryAfterHintMs(error)
  // A retry after a refusal, such as by an open circuit, makes sense only if the refusal ends within the next delay.
  if (refused && (hintMs === undefined || hintMs > backoffMs)) return 'refused for longer than the next delay'
  const useHint = !refused && hintMs !== undefined && rules.retryAfterMaxMs >= 0
  const delayMs = useHint ? Math.min(hintMs, rules.retryAfterMaxMs) : backoffMs
  const startsAt = now + delayMs
  if (startsAt - failed.firstStartedMs > rules.maxTotalMs) return 'past maxTotal'
  if (deadline !== undefined && startsAt >= deadline) return 'past the deadline'
  // Last, because this withdraws from the budget.
  return mayWithdraw(rules, failed, now) ? delayMs : 'no budget left'
}

/** @throws what a custom budget throws, with the error of the attempt as its cause */
function mayWithdraw({ budget }: RetryRules, failed: FailedAttempt, now: number): boolean {
  if (budget === undefined) return true
  try {
    return synchronous(budget.tryWithdraw(now), 'retry.budget.tryWithdraw')
  } catch (thrown) {
    const error = errorOf(failed)
    throw error === undefined ? thrown : withCause(thrown, error)
  }
}

/** @throws what a custom backoff or random source throws, with the error of the attempt as its cause */
function backoffDelayMs({ backoff }: RetryRules, failed: FailedAttempt, random: Random): number {
  const { number, previousDelayMs, outcome } = failed
  try {
    return backoff.delayMs(number - 1, () => drawFrom(random), previousDelayMs, outcome)
  } catch (thrown) {
    const error = errorOf(failed)
    throw error === undefined ? thrown : withCause(thrown, error)
  }
}

/** The error of an attempt; undefined if it returned a value. */
function errorOf({ outcome }: FailedAttempt): unknown {
  return outcome.ok ? undefined : outcome.error
}

/** Returns the shortest delay before the first retry, or 0 if there is no retry or its backoff throws. */
export function leastDelayMs({ maxRetries, backoff }: RetryRules): number {
  if (maxRetries === 0) return 0
  try {
    return backoff.delayMs(0, () => 0, undefined)
  } catch {
    // A custom backoff may throw: nothing is known about its delays.
    return 0
  }
}
