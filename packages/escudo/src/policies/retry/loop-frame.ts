import { type Cancellation, Watcher } from '../../core/engine/cancel-scope.ts'
import type { Failure, Frame, FrameResult } from '../../core/engine/frame.ts'

/**
 * The outermost frame of each attempt that the loop makes. Stores the attempt's failure for the loop, and watches the
 * scope of the call.
 */
export class LoopFrame extends Watcher implements Frame {
  readonly outer = undefined
  failure: Failure | undefined = undefined
  readonly #onCancel: (cancellation: Cancellation) => void

  constructor(onCancel: (cancellation: Cancellation) => void) {
    super()
    this.#onCancel = onCancel
  }

  override onCancel(cancellation: Cancellation): void {
    this.#onCancel(cancellation)
  }

  onValue(value: unknown): FrameResult {
    return value
  }

  onFailure(failure: Failure): FrameResult {
    this.failure = failure
    return undefined
  }
}
