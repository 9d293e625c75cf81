import { discard } from '../../core/engine/discard.ts'
import { Failure } from '../../core/engine/frame.ts'
import { notify } from '../../core/events/events.ts'
import type { RetryRules } from './state/next-delay.ts'

/** Releases a value that the classifier rejected and that no caller receives. A `Failure` holds nothing to release. */
export function release({ onRejectedValue }: RetryRules, outcome: unknown): void {
  if (outcome instanceof Failure) return
  discard(outcome)
  if (onRejectedValue !== undefined) notify(onRejectedValue, outcome)
}
