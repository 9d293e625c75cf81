import type { CallState } from '../../core/engine/call.ts'
import { type Cancellation, Watcher } from '../../core/engine/cancel-scope.ts'
import { type Failure, type Frame, type FrameResult, passFailure, passValue } from '../../core/engine/frame.ts'
import { judgeError } from '../shared/judge.ts'

/**
 * The adaptive throttle's part in one call that was admitted.
 *
 * It decides once whether the call was accepted: at the outcome, or at the cancellation if that comes first, even if
 * the operation ignores its signal.
 */
export class AdaptiveThrottleFrame extends Watcher implements Frame {
  // Declared here and assigned in the constructor: see Watcher.
  declare readonly outer: Frame
  declare private readonly call: CallState
  declare private readonly accept: () => void
  /** Whether the decision is still due. */
  declare private pending: boolean

  /** @param accept counts the call as accepted */
  constructor(outer: Frame, call: CallState, accept: () => void) {
    super()
    this.outer = outer
    this.call = call
    this.accept = accept
    this.pending = true
  }

  onValue(value: unknown): FrameResult {
    this.end(true)
    return passValue(this.outer, value)
  }

  onFailure(failure: Failure): FrameResult {
    this.end(judgeError(undefined, failure.error, this.call) !== 'failure')
    return passFailure(this.outer, failure)
  }

  override onCancel({ by }: Cancellation): void {
    this.end(by === 'caller')
  }

  private end(accepted: boolean): void {
    if (!this.pending) return
    this.pending = false
    this.unwatch()
    if (accepted) this.accept()
  }
}
