import { type Failure, type Frame, type FrameResult, passFailure, passValue } from '../../core/engine/frame.ts'
import { HeldPermit, outsideOf } from '../shared/enclosures.ts'
import type { QueuedCall } from './queued-call.ts'

/** What releases a permit: the permits of a bulkhead, or its last permit. */
export interface PermitHolder {
  /** Returns the waiting call that now has the permit, if there is one. */
  release(): QueuedCall | undefined
}

/** The bulkhead's part in one call: releases the call's permit once the work inside has settled. */
export class BulkheadFrame implements Frame {
  declare readonly outer: Frame
  /** Undefined once the permit is released. */
  declare private holder: PermitHolder | undefined

  constructor(outer: Frame, holder: PermitHolder) {
    this.outer = outer
    this.holder = holder
  }

  onValue(value: unknown): FrameResult {
    this.release()
    return passValue(this.outer, value)
  }

  onFailure(failure: Failure): FrameResult {
    const { stillRunning } = failure
    if (stillRunning === undefined) {
      this.release()
      return passFailure(this.outer, failure)
    }
    // The call has ended, but its work may continue: the permit is held until that work settles.
    const { holder, outer } = this
    this.releaseAfter(stillRunning)
    return holder instanceof HeldPermit
      ? outsideOf(holder, () => passFailure(outer, failure))
      : passFailure(outer, failure)
  }

  release(): void {
    const { holder } = this
    this.holder = undefined
    holder?.release()?.admit()
  }

  // The closure captures only the holder: the work may never settle, and would keep the whole call in memory.
  private releaseAfter(work: PromiseLike<unknown>): void {
    const { holder } = this
    this.holder = undefined
    const release = (): void => holder?.release()?.admit()
    work.then(release, release)
  }
}
