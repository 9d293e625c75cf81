/** One who waits for a place: a node of the queue, so that leaving it costs no search. */
export interface Waiter {
  ahead: Waiter | undefined
  behind: Waiter | undefined
  waiting: boolean
}

/**
 * The state of a bulkhead: places, and a bounded queue for those who find none. Pure: it says who may go, and wakes
 * nobody. A place that becomes free is handed to the head of the queue and never becomes visible as free meanwhile, so
 * a newcomer cannot take it.
 */
export class Compartment<W extends Waiter> {
  readonly limit: number
  readonly queueLimit: number
  #inUse = 0
  #queued = 0
  #head: W | undefined
  #tail: W | undefined

  constructor(limit: number, queueLimit: number) {
    this.limit = limit
    this.queueLimit = queueLimit
  }

  get inUse(): number {
    return this.#inUse
  }

  get queued(): number {
    return this.#queued
  }

  /** Takes a place, where one is free. */
  tryEnter(): boolean {
    if (this.#inUse >= this.limit) return false
    this.#inUse += 1
    return true
  }

  /** Joins the end of the queue, where there is room. */
  tryQueue(waiter: W): boolean {
    if (this.#queued >= this.queueLimit) return false
    this.#queued += 1
    waiter.waiting = true
    waiter.ahead = this.#tail
    waiter.behind = undefined
    if (this.#tail === undefined) this.#head = waiter
    else this.#tail.behind = waiter
    this.#tail = waiter
    return true
  }

  /** Leaves the queue without a place. False for one who is not in it: who was handed a place must give it back. */
  leaveQueue(waiter: W): boolean {
    if (!waiter.waiting) return false
    waiter.waiting = false
    this.#queued -= 1
    if (waiter.ahead === undefined) this.#head = waiter.behind as W | undefined
    else waiter.ahead.behind = waiter.behind
    if (waiter.behind === undefined) this.#tail = waiter.ahead as W | undefined
    else waiter.behind.ahead = waiter.ahead
    waiter.ahead = undefined
    waiter.behind = undefined
    return true
  }

  /** Gives a place back. Returns the waiter who has it now, if anybody waited. */
  leave(): W | undefined {
    const head = this.#head
    if (head === undefined) {
      this.#inUse -= 1
      return undefined
    }
    this.leaveQueue(head)
    return head
  }
}
