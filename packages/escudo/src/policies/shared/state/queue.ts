/** An entry of a {@link WaitQueue}: a node of its linked list, so that its removal is O(1). */
export interface Waiter {
  ahead: Waiter | undefined
  behind: Waiter | undefined
  waiting: boolean
}

/** A first-in, first-out queue of waiters. Pure: it wakes no waiter. */
export class WaitQueue<W extends Waiter> {
  #length = 0
  #head: W | undefined
  #tail: W | undefined

  get length(): number {
    return this.#length
  }

  /** The waiter that has waited longest. */
  get head(): W | undefined {
    return this.#head
  }

  /** The waiter that was added last. */
  get tail(): W | undefined {
    return this.#tail
  }

  /** All waiters, the oldest first. */
  *waiters(): Generator<W> {
    for (let waiter = this.#head; waiter !== undefined; waiter = waiter.behind as W | undefined) yield waiter
  }

  /** Adds a waiter at the tail. */
  add(waiter: W): void {
    this.#length += 1
    waiter.waiting = true
    waiter.ahead = this.#tail
    waiter.behind = undefined
    if (this.#tail === undefined) this.#head = waiter
    else this.#tail.behind = waiter
    this.#tail = waiter
  }

  /** Removes a waiter from any position. Returns false if it is not in the queue. */
  remove(waiter: W): boolean {
    if (!waiter.waiting) return false
    waiter.waiting = false
    this.#length -= 1
    if (waiter.ahead === undefined) this.#head = waiter.behind as W | undefined
    else waiter.ahead.behind = waiter.behind
    if (waiter.behind === undefined) this.#tail = waiter.ahead as W | undefined
    else waiter.behind.ahead = waiter.ahead
    waiter.ahead = undefined
    waiter.behind = undefined
    return true
  }
}
