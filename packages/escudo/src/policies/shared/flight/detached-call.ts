import { withCurrentCall } from '../../../core/context/current-call.ts'
import { type Call, CallRoot, CallState, rootOf } from '../../../core/engine/call.ts'
import type { CancelScope } from '../../../core/engine/cancel-scope.ts'
import type { Operation, Run } from '../../../core/operation.ts'

/**
 * Runs what stands inside on behalf of nobody in particular: a refresh in the background, a flight that many wait for.
 * The call is one of its own: cut by `scope` alone, so neither by the signal nor by the deadline of the caller who
 * happened to begin it, and its first attempt. It runs in that caller's asynchronous context, since the operation is
 * his, but for `currentCall()`, whose signal would be the caller's. Never throws: what goes wrong is a rejection.
 *
 * @param root takes the notes of the call, for whoever wants to pass them on
 */
export async function runDetached<T>(
  next: Run,
  call: Call,
  scope: CancelScope,
  operation: Operation<T>,
  root: CallRoot = detachedRoot(call),
): Promise<T> {
  const own = new CallState(root, scope, 1, undefined, scope)
  return await withCurrentCall(own, () => next(own, operation))
}

/** The root of a call of its own. */
export function detachedRoot(call: Call): CallRoot {
  return new CallRoot(rootOf(call).host, call.key, call.priority)
}
