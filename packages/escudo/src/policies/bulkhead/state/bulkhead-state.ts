import { WaitQueue } from '../../shared/state/queue.ts'
import { PriorityQueue, type PriorityWaiter } from './priority-queue.ts'

/** Who of those who wait goes first: who came first, who came last, or who has the highest priority. */
export type QueueOrder = 'fifo' | 'lifo' | 'priority'

/** How a bulkhead is built. */
export interface BulkheadSettings {
  /** How many places there are. */
  readonly limit: number
  /** How many may wait for one. */
  readonly queueLimit: number
  readonly order: QueueOrder
}

/**
 * The state of a bulkhead: places, and a bounded queue for those who find none. Pure: it says who may go, and wakes
 * nobody. A place that becomes free is handed to the next of the queue and never becomes visible as free meanwhile, so
 * a newcomer cannot take it.
 */
export class BulkheadState<W extends PriorityWaiter> {
  readonly limit: number
  readonly queueLimit: number
  readonly #order: QueueOrder
  readonly #queue: WaitQueue<W> | PriorityQueue<W>
  #inUse = 0

  constructor({ limit, queueLimit, order }: BulkheadSettings) {
    this.limit = limit
    this.queueLimit = queueLimit
    this.#order = order
    this.#queue = order === 'priority' ? new PriorityQueue() : new WaitQueue()
  }

  get inUse(): number {
    return this.#inUse
  }

  get queued(): number {
    return this.#queue.length
  }

  /** Takes a place, where one is free. */
  tryAcquire(): boolean {
    if (this.#inUse >= this.limit) return false
    this.#inUse += 1
    return true
  }

  /**
   * Whether one of that priority may queue: where there is room, and in order of priority also where somebody waits who
   * has a lower one. Else the unimportant would fill the queue, and shut out those for whom there is an order.
   */
  hasRoom(priority: number): boolean {
    if (this.#queue.length < this.queueLimit) return true
    if (this.#order !== 'priority') return false
    const { tail } = this.#queue
    return tail !== undefined && tail.priority < priority
  }

  /**
   * Joins the queue; to be asked before is {@link hasRoom}. Returns who had to leave it for that: of those with the
   * lowest priority the one who came last, who has waited the least.
   */
  enqueue(waiter: W): W | undefined {
    const displaced = this.#queue.length < this.queueLimit ? undefined : this.#queue.tail
    if (displaced !== undefined) this.#queue.release(displaced)
    this.#queue.add(waiter)
    return displaced
  }

  /** Leaves the queue without a place. False for one who is not in it: who was handed a place must give it back. */
  removeFromQueue(waiter: W): boolean {
    return this.#queue.release(waiter)
  }

  /** Gives a place back. Returns the waiter who has it now, if anybody waited. */
  leave(): W | undefined {
    const next = this.#order === 'lifo' ? this.#queue.tail : this.#queue.head
    if (next === undefined) this.#inUse -= 1
    else this.#queue.release(next)
    return next
  }
}
