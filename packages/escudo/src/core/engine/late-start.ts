import { type CallState, enteredMs } from './call.ts'
import { deadlineExceeded } from './caller-scope.ts'
import type { Cancellation, CancelScope } from './cancel-scope.ts'

/**
 * Returns why a call must not go on after a wait; undefined if it may.
 *
 * A policy calls it after every wait, before the call enters the inner layers: nothing begins after its deadline, however
 * long the event loop was blocked. It reads the clock, and sets `enteredMs` for the inner policies.
 *
 * @param limitMs the last instant at which the waiting policy itself lets the call go on. What is due after it does not
 * matter, because the policy would have ended the call before
 */
export function cancellationAfterWait(
  call: CallState,
  limitMs: number = Number.POSITIVE_INFINITY,
): Cancellation | undefined {
  call.enteredMs = undefined
  const cancellation = expireOverdue(call, limitMs)
  const { deadline } = call
  if (cancellation !== undefined || deadline === undefined || deadline > Math.min(enteredMs(call), limitMs)) {
    return cancellation
  }
  // A custom policy has passed on a copy of the call with an earlier deadline, for which there is no timer.
  const origin = { shield: call.root.host.name, policy: 'deadline', stacks: false }
  return { by: 'escudo', reason: deadlineExceeded({ afterMs: 0, origin, inherited: false }) }
}

/**
 * Expires the timeout or deadline around a call that is overdue, as if its timer had fired on time.
 *
 * If several are overdue, the one that was due first expires.
 *
 * @param begun whether the operation of the call has begun. The end of a probe's lease then does not matter
 * @returns why the call must not go on; undefined if it may
 */
export function expireOverdue(
  call: CallState,
  limitMs: number = Number.POSITIVE_INFINITY,
  begun = false,
): Cancellation | undefined {
  const { scope } = call
  if (scope === undefined || scope.cancellation !== undefined) return scope?.cancellation
  return firstDue(scope, Math.min(enteredMs(call), limitMs), begun)?.expire()
}

/** The scope around a call that was due first; undefined if none is due. */
function firstDue(innermost: CancelScope, now: number, begun: boolean): CancelScope | undefined {
  let first: CancelScope | undefined
  let firstMs = now
  for (let scope: CancelScope | undefined = innermost; scope !== undefined; scope = scope.enclosing) {
    const { expiresMs } = scope
    // At the same instant the outer scope expires first: its timer was set first.
    if (expiresMs === undefined || expiresMs > firstMs || (begun && !scope.endsWhatRuns)) continue
    first = scope
    firstMs = expiresMs
  }
  return first
}
