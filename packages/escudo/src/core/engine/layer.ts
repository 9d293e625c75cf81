import type { Binding } from '../binding.ts'
import type { Operation } from '../operation.ts'
import type { CallState } from './call.ts'
import { Failure, type Frame, type FrameResult, passFailure } from './frame.ts'
import { endInstant } from './instant.ts'
import { settle } from './settle.ts'

/** A policy bound into one shield, together with everything inside it. */
export interface Layer {
  /** Runs a call, or refuses it; the outcome goes to the frame `outer`. Never throws. */
  enter(call: CallState, operation: Operation<unknown>, outer: Frame): FrameResult
}

/** Makes the layer of a policy around the layer inside it. */
export type MakeLayer = (next: Layer, binding: Binding) => Layer

/** The innermost layer of a shield: calls the operation. */
export const operationLayer: Layer = {
  enter(call, operation, frame) {
    const cancelled = call.scope?.cancellation
    if (cancelled !== undefined) return passFailure(frame, new Failure(cancelled.reason, call.root))
    let result: unknown
    call.root.markCalled()
    try {
      result = operation(call)
    } catch (error) {
      endInstant()
      // If the caller aborted during the call, its own reason wins.
      const cancellation = call.scope?.cancellation
      return passFailure(frame, new Failure(cancellation === undefined ? error : cancellation.reason, call.root))
    }
    return settle(result, call, frame)
  },
}
