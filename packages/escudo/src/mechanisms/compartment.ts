import { type Waiter, WaitingLine } from './waiting-line.ts'

export type { Waiter } from './waiting-line.ts'

/**
 * The state of a bulkhead: places, and a bounded queue for those who find none. Pure: it says who may go, and wakes
 * nobody. A place that becomes free is handed to the head of the queue and never becomes visible as free meanwhile, so
 * a newcomer cannot take it.
 */
export class Compartment<W extends Waiter> {
  readonly limit: number
  readonly queueLimit: number
  readonly #queue = new WaitingLine<W>()
  #inUse = 0

  constructor(limit: number, queueLimit: number) {
    this.limit = limit
    this.queueLimit = queueLimit
  }

  get inUse(): number {
    return this.#inUse
  }

  get queued(): number {
    return this.#queue.length
  }

  /** Takes a place, where one is free. */
  tryEnter(): boolean {
    if (this.#inUse >= this.limit) return false
    this.#inUse += 1
    return true
  }

  /** Joins the end of the queue, where there is room. */
  tryQueue(waiter: W): boolean {
    if (this.queued >= this.queueLimit) return false
    this.#queue.join(waiter)
    return true
  }

  /** Leaves the queue without a place. False for one who is not in it: who was handed a place must give it back. */
  leaveQueue(waiter: W): boolean {
    return this.#queue.leave(waiter)
  }

  /** Gives a place back. Returns the waiter who has it now, if anybody waited. */
  leave(): W | undefined {
    const { head } = this.#queue
    if (head === undefined) this.#inUse -= 1
    else this.#queue.leave(head)
    return head
  }
}
