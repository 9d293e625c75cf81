import type { Ambient } from '../../core/context/ambient.ts'
import { type Cancellation, type CancelScope, Watcher } from '../../core/engine/cancel-scope.ts'
import type { TimerEntry, TimerQueue } from '../../core/engine/timer-queue.ts'
import type { Waiter } from '../shared/state/queue.ts'
import type { BulkheadState } from './state/bulkhead-state.ts'
import type { PriorityWaiter } from './state/priority-queue.ts'

/** How a wait ended: with a place, at the end of its patience, for a call of higher priority, or with the call. */
export type WaitOutcome = 'entered' | 'expired' | 'displaced' | 'cut'

/**
 * One call that waits for a place in a bulkhead: until it has one, or the first of whatever else ends its wait. It
 * stands in up to three lists at once, and leaves all of them with the first.
 */
export class QueuedCall extends Watcher implements PriorityWaiter, TimerEntry {
  ahead: Waiter | undefined
  behind: Waiter | undefined
  waiting = false
  earlier: TimerEntry | undefined
  later: TimerEntry | undefined
  queued = false
  dueMs = 0
  context: Ambient | undefined
  readonly priority: number
  readonly #compartment: BulkheadState<QueuedCall>
  #timers: TimerQueue | undefined
  #resolve: ((outcome: WaitOutcome) => void) | undefined

  constructor(compartment: BulkheadState<QueuedCall>, priority: number) {
    super()
    this.#compartment = compartment
    this.priority = priority
  }

  /** Begins to wait; it stands in the compartment's queue already. */
  wait(scope: CancelScope | undefined, timers: TimerQueue | undefined): Promise<WaitOutcome> {
    this.#timers = timers
    return new Promise((resolve) => {
      this.#resolve = resolve
      timers?.add(this)
      if (scope !== undefined) this.watch(scope)
    })
  }

  /** The compartment handed over a place. */
  enter(): void {
    this.#end('entered')
  }

  /** Another one has its place in the queue. */
  displace(): void {
    this.#end('displaced')
  }

  expire(): void {
    this.#end('expired')
  }

  override onCancel(_cut: Cancellation): void {
    this.#end('cut')
  }

  #end(outcome: WaitOutcome): void {
    this.#compartment.removeFromQueue(this)
    this.#timers?.remove(this)
    this.unwatch()
    this.#resolve?.(outcome)
  }
}
