import type { CallState } from '../../core/engine/call.ts'
import { Failure, type Frame, type FrameResult, passFailure } from '../../core/engine/frame.ts'
import { addNote } from '../../core/explain/notes.ts'
import type { PolicyStatus } from '../../core/policy.ts'

/**
 * Notes that a call was cancelled while it waited in a policy, so that `explain()` shows the inner policies as not
 * reached.
 */
export function noteCancelled({ root }: CallState, policy: string, facts: PolicyStatus): void {
  addNote(root, { policy, state: 'cancelled while waiting', facts, endedHere: true })
}

/** Ends a call that is already cancelled when it enters a policy: it needs no permit. */
export function passCancelled(call: CallState, reason: unknown, policy: string, outer: Frame): FrameResult {
  addNote(call.root, { policy, state: 'cancelled', endedHere: true })
  return passFailure(outer, new Failure(reason, call.root))
}
