import { type Failure, type Frame, type FrameResult, passFailure, passValue } from '../../core/engine/frame.ts'
import type { QueuedCall } from './queued-call.ts'
import type { BulkheadState } from './state/bulkhead-state.ts'

/** The bulkhead's part in one call: releases the call's permit once the work inside has settled. */
export class BulkheadFrame implements Frame {
  declare readonly outer: Frame
  /** Undefined once the permit is released. */
  declare private state: BulkheadState<QueuedCall> | undefined

  constructor(outer: Frame, state: BulkheadState<QueuedCall>) {
    this.outer = outer
    this.state = state
  }

  onValue(value: unknown): FrameResult {
    this.release()
    return passValue(this.outer, value)
  }

  onFailure(failure: Failure): FrameResult {
    // The call has ended, but its work may continue: the permit is held until that work settles.
    if (failure.stillRunning === undefined) this.release()
    else this.releaseAfter(failure.stillRunning)
    return passFailure(this.outer, failure)
  }

  release(): void {
    const { state } = this
    this.state = undefined
    state?.release()?.admit()
  }

  // The closure captures only the state: the work may never settle, and would keep the whole call in memory.
  private releaseAfter(work: PromiseLike<unknown>): void {
    const { state } = this
    this.state = undefined
    const release = (): void => state?.release()?.admit()
    work.then(release, release)
  }
}
