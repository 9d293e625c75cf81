/** One who waits: a node of the line, so that leaving it costs no search. */
export interface Waiter {
  ahead: Waiter | undefined
  behind: Waiter | undefined
  waiting: boolean
}

/** Those who wait, in the order in which they came. Pure: it wakes nobody. */
export class WaitQueue<W extends Waiter> {
  #length = 0
  #head: W | undefined
  #tail: W | undefined

  get length(): number {
    return this.#length
  }

  /** Who came first of those who are still there. */
  get head(): W | undefined {
    return this.#head
  }

  /** Who came last of those who are still there. */
  get tail(): W | undefined {
    return this.#tail
  }

  /** Joins the end of the line. */
  add(waiter: W): void {
    this.#length += 1
    waiter.waiting = true
    waiter.ahead = this.#tail
    waiter.behind = undefined
    if (this.#tail === undefined) this.#head = waiter
    else this.#tail.behind = waiter
    this.#tail = waiter
  }

  /** Leaves the line from wherever it stands. False for one who is not in it. */
  release(waiter: W): boolean {
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
