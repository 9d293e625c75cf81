import { HeldPermit, heldPermitOf } from '../shared/enclosures.ts'
import type { PermitHolder } from './frame.ts'
import type { QueuedCall } from './queued-call.ts'
import type { BulkheadState } from './state/bulkhead-state.ts'

/**
 * The permit that was the last free one of its bulkhead.
 *
 * A call made inside the call that holds it must not wait for a permit. If all calls with a permit did, none would ever
 * be released. It is enough that the newest of them cannot: it ends, and the next call in the queue is then the newest.
 */
export class LastPermit extends HeldPermit implements PermitHolder {
  /** Undefined once the permit is released: the asynchronous context may live long, and must not keep the bulkhead. */
  declare private state: BulkheadState<QueuedCall> | undefined
  /** The limit of which this was the last permit. */
  declare private readonly limit: number

  constructor(state: BulkheadState<QueuedCall>) {
    super()
    this.state = state
    this.limit = state.limitMax
  }

  override get owner(): BulkheadState<QueuedCall> | undefined {
    return this.state
  }

  /** False once the limit was raised: another permit is then the last one. */
  override get isHeld(): boolean {
    return this.state !== undefined && this.limit >= this.state.limitMax
  }

  release(): QueuedCall | undefined {
    const { state } = this
    this.state = undefined
    return state?.release()
  }

  /**
   * Refuses the waiting calls that wait for themselves now: this permit's call has joined a run, and that run waits for
   * them.
   */
  override onJoin(): void {
    const { state } = this
    if (state === undefined) return
    for (const call of state.waiting()) {
      if (heldPermitOf(state, call.enclosure) !== undefined) call.refuse()
    }
  }
}
