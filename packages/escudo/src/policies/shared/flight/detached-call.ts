import { withCurrentCall } from '../../../core/context/current-call.ts'
import { withoutDeadline } from '../../../core/context/inherited-deadline.ts'
import { type CallRoot, CallState, enteredMs } from '../../../core/engine/call.ts'
import { detachedRoot } from '../../../core/engine/call-root.ts'
import type { CancelScope } from '../../../core/engine/cancel-scope.ts'
import { hasCallWatchers } from '../../../core/events/call-events.ts'
import type { Operation, Run } from '../../../core/operation.ts'

/**
 * Runs the inner policies and the operation in a separate call: a background refresh, or a flight of many callers.
 *
 * Only `scope` cancels that call, not the signal or the deadline of the caller that started it; calls inside it do not
 * inherit the deadline of the request either. Its attempt number is 1.
 * It runs in that caller's asynchronous context, because the operation is the caller's; only `currentCall()` returns the
 * separate call. Never throws synchronously: all errors are rejections.
 *
 * @param root receives the notes of the call, so that they can be copied to other calls
 */
export async function runDetached<T>(
  next: Run,
  call: CallState,
  scope: CancelScope,
  operation: Operation<T>,
  root: CallRoot = detachedRoot(call.root),
): Promise<T> {
  const detached = new CallState(root, scope, 1, undefined, scope)
  if (hasCallWatchers()) enteredMs(detached)
  return await withoutDeadline(() => withCurrentCall(detached, () => next(detached, operation)))
}
