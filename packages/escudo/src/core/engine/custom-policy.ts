import type { Binding } from '../binding.ts'
import { hasCallWatchers } from '../events/call-events.ts'
import type { Operation, Run } from '../operation.ts'
import { type Call, type CallState, callFromCustomPolicy, enteredMs, enterPart } from './call.ts'
import type { CancelScope } from './cancel-scope.ts'
import { END, Failure, passFailure, rejectInMicrotask, toPromise } from './frame.ts'
import { expireOverdue } from './late-start.ts'
import type { Layer, MakeLayer } from './layer.ts'
import { allRunning, discardLate, Wait, waitFor } from './settle.ts'

// A custom policy has `wrap` and no frames. It divides a shield into two parts: the part inside becomes the function
// `next`, and the part outside waits for the promise that the policy returns.

/**
 * The layer of a custom policy.
 *
 * On a cancellation from outside the policy, the part inside settles only when its work is done, so that the policy can
 * hold a permit that long. The part outside settles immediately.
 */
export function customPolicyLayer(wrap: (next: Run) => Run, next: Layer): Layer {
  return layerOf(wrap(runOf(next)))
}

/** A layer as the function that a custom policy receives as `next`. */
export function runOf(layer: Layer): Run {
  return ((given: Call, operation: Operation<unknown>) => {
    let call: CallState
    try {
      call = enterPart(callFromCustomPolicy(given))
    } catch (error) {
      return rejectInMicrotask(error)
    }
    // The policy may have waited, or worked so long that a timer is overdue.
    const late = call.scope?.cancellation === undefined ? expireOverdue(call) : undefined
    if (late !== undefined) return toPromise(END.onFailure(new Failure(late.reason, call.root)))
    // Without this, inner policies could not tell how long the call took.
    if (hasCallWatchers()) enteredMs(call)
    return toPromise(layer.enter(call, operation, END))
  }) as Run
}

/** Makes the `wrap` of a built-in policy from its layer. The layer is then a separate part of the shield. */
export function wrapLayer(makeLayer: MakeLayer, next: Run, binding: Binding): Run {
  return runOf(makeLayer(layerOf(next), binding))
}

/**
 * Makes the result of `wrap` for a built-in policy without a layer. Converts copies of a call; rejects what is no call.
 */
export function runOnCalls(run: (call: CallState, operation: Operation<unknown>) => Promise<unknown>): Run {
  return ((given: Call, operation: Operation<unknown>) => {
    let call: CallState
    try {
      call = callFromCustomPolicy(given)
    } catch (error) {
      return rejectInMicrotask(error)
    }
    return run(call, operation)
  }) as Run
}

function layerOf(run: Run): Layer {
  return {
    enter(call, operation, frame) {
      let work: Promise<unknown>
      try {
        work = Promise.resolve(run(call, operation))
      } catch (error) {
        return passFailure(frame, new Failure(error, call.root))
      }
      const { scope } = call
      if (scope === undefined || scope === call.partScope) return waitFor(work, call, frame)
      const { cancellation } = scope
      if (cancellation !== undefined) {
        const stillRunning = allRunning(scope, discardLate(work))
        return passFailure(frame, new Failure(cancellation.reason, call.root, stillRunning))
      }
      return new PolicyWait(work, scope, call, frame).race()
    },
  }
}

/**
 * Waits for a custom policy. The scope does not record the promise of the policy as running work, only that of the
 * operation inside. Policies inside are notified of a cancellation first, so that the error leaves with their notes.
 */
class PolicyWait extends Wait {
  override watch(scope: CancelScope | undefined): void {
    super.watch(scope, true)
  }

  protected override recordRunning(): void {}

  protected override stillRunning(): PromiseLike<unknown> | undefined {
    return allRunning(this.within, this.work)
  }
}
