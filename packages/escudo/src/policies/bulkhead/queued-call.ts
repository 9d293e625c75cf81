import type { Ambient } from '../../core/context/ambient.ts'
import { type Cancellation, type CancelScope, Watcher } from '../../core/engine/cancel-scope.ts'
import type { TimerEntry, TimerQueue } from '../../core/engine/timer-queue.ts'
import type { Enclosure } from '../shared/enclosures.ts'
import type { Waiter } from '../shared/state/queue.ts'
import type { BulkheadState } from './state/bulkhead-state.ts'
import type { PriorityWaiter } from './state/priority-queue.ts'

/**
 * How a wait ended: with a permit, after `maxWait`, displaced by a call with a higher priority, because the call would
 * wait for itself, because the fleet has no permit and the queue is full, or with the cancellation of the call.
 */
export type WaitOutcome = 'admitted' | 'expired' | 'displaced' | 'itself' | 'full' | 'cancelled'

/**
 * A call that waits for a permit of a bulkhead.
 *
 * It is a node of up to three lists: the bulkhead's queue, the timers and the watchers of its scope. The first event
 * ends the wait and removes the call from all three.
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
  /** What encloses the call. */
  readonly enclosure: Enclosure | undefined
  readonly #state: BulkheadState<QueuedCall>
  #timers: TimerQueue | undefined
  #resolve: ((outcome: WaitOutcome) => void) | undefined

  constructor(state: BulkheadState<QueuedCall>, priority: number, enclosure: Enclosure | undefined) {
    super()
    this.#state = state
    this.enclosure = enclosure
    this.priority = priority
  }

  /** Starts to wait. The call must be in the bulkhead's queue already. */
  wait(scope: CancelScope | undefined, timers: TimerQueue | undefined): Promise<WaitOutcome> {
    this.#timers = timers
    return new Promise((resolve) => {
      this.#resolve = resolve
      timers?.add(this)
      this.watch(scope)
    })
  }

  /** Ends the wait: the call has a permit. */
  admit(): void {
    this.#end('admitted')
  }

  /** Ends the wait: a call with a higher priority has displaced this one. */
  displace(): void {
    this.#end('displaced')
  }

  /** Ends the wait: the call holding the last permit has begun to wait for this one. */
  refuse(): void {
    this.#end('itself')
  }

  /** Ends the wait: the fleet has no permit, and the queue is full. */
  reject(): void {
    this.#end('full')
  }

  expire(): void {
    this.#end('expired')
  }

  override onCancel(_cancellation: Cancellation): void {
    this.#end('cancelled')
  }

  #end(outcome: WaitOutcome): void {
    this.#state.removeFromQueue(this)
    this.#timers?.remove(this)
    this.unwatch()
    this.#resolve?.(outcome)
  }
}
