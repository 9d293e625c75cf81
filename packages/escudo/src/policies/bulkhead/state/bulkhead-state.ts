import { WaitQueue } from '../../shared/state/queue.ts'
import { PriorityQueue, type PriorityWaiter } from './priority-queue.ts'

/** Which waiting call is served next: the oldest, the newest, or the one with the highest priority. */
export type QueueOrder = 'fifo' | 'lifo' | 'priority'

/** The settings of a bulkhead. */
export interface BulkheadSettings {
  /** How many permits there are. */
  readonly limit: number
  /** How many calls may wait for a permit. */
  readonly queueLimit: number
  readonly order: QueueOrder
}

/**
 * The state of a bulkhead: its permits, and a bounded queue of calls that wait for one.
 *
 * Pure: it decides which call is next, and the caller of its methods wakes that call. A released permit goes directly
 * to the next call in the queue. It is never visible as free, so a new call cannot take it.
 */
export class BulkheadState<W extends PriorityWaiter> {
  limit: number
  /** The highest limit that it may have. More than the limit only if a fleet shares the permits. */
  limitMax: number
  queueLimit: number
  readonly #order: QueueOrder
  readonly #queue: WaitQueue<W> | PriorityQueue<W>
  #inUse = 0

  constructor({ limit, queueLimit, order }: BulkheadSettings) {
    this.limit = limit
    this.limitMax = limit
    this.queueLimit = queueLimit
    this.#order = order
    this.#queue = order === 'priority' ? new PriorityQueue() : new WaitQueue()
  }

  /** How many permits are in use. */
  get inUse(): number {
    return this.#inUse
  }

  /** How many calls wait. */
  get queued(): number {
    return this.#queue.length
  }

  /** The calls that wait. */
  waiting(): W[] {
    return [...this.#queue.waiters()]
  }

  /** Takes a permit; false if all are in use. */
  tryAcquire(): boolean {
    if (this.#inUse >= this.limit) return false
    this.#inUse += 1
    return true
  }

  /**
   * Whether a call with this priority may join the queue.
   *
   * In order of priority, a full queue has room if a call with a lower priority waits. Otherwise calls with a low
   * priority could fill the queue and block those with a high one.
   */
  hasRoom(priority: number): boolean {
    if (this.#queue.length < this.queueLimit) return true
    if (this.#order !== 'priority') return false
    const { tail } = this.#queue
    return tail !== undefined && tail.priority < priority
  }

  /**
   * Adds a call to the queue. Requires {@link hasRoom}. Returns the call that it displaced from a full queue: the one
   * with the lowest priority, the newest among equals, because that one has waited the least.
   */
  enqueue(waiter: W): W | undefined {
    const displaced = this.#queue.length < this.queueLimit ? undefined : this.#queue.tail
    if (displaced !== undefined) this.#queue.remove(displaced)
    this.#queue.add(waiter)
    return displaced
  }

  /**
   * Removes a call from the queue. Returns false if it is not in the queue: an admitted call must release its permit.
   */
  removeFromQueue(waiter: W): boolean {
    return this.#queue.remove(waiter)
  }

  /** Releases a permit. Returns the waiting call that now has it, if there is one. */
  release(): W | undefined {
    // After the limit was lowered, permits disappear as they are released.
    if (this.#queue.length === 0 || this.#inUse > this.limit) {
      this.#inUse -= 1
      return undefined
    }
    const next = this.#next as W
    this.#queue.remove(next)
    return next
  }

  /**
   * Changes the limits. Permits in use stay in use, and calls in the queue stay in the queue, also beyond the new limits.
   *
   * @returns the waiting calls that now have a permit
   */
  resize(limit: number, queueLimit: number): W[] {
    this.limit = limit
    this.limitMax = limit
    this.queueLimit = queueLimit
    return this.admit()
  }

  /** Gives free permits to waiting calls, and returns these calls. */
  protected admit(): W[] {
    const admitted: W[] = []
    // Calls wait only while permits are in use, so a key that is kept stays so.
    for (let next = this.#next; next !== undefined && this.#inUse < this.limit; next = this.#next) {
      this.#inUse += 1
      this.#queue.remove(next)
      admitted.push(next)
    }
    return admitted
  }

  /** The waiting call that is served next. */
  get #next(): W | undefined {
    return this.#order === 'lifo' ? this.#queue.tail : this.#queue.head
  }
}
