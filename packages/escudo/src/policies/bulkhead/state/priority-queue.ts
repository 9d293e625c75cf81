import { type Waiter, WaitQueue } from '../../shared/state/queue.ts'

/** A waiter with a priority. */
export interface PriorityWaiter extends Waiter {
  /** Higher is served first. Any number except NaN. */
  readonly priority: number
}

/** The waiters of one priority, oldest first. */
interface Level<W extends PriorityWaiter> {
  readonly priority: number
  readonly queue: WaitQueue<W>
}

/**
 * A queue by priority: the highest first, the oldest first among equals. Pure: it wakes no waiter.
 *
 * It has one level for each priority in use. To add or remove a waiter searches the levels, not the waiters: programs
 * use few priorities, however long the queue is.
 */
export class PriorityQueue<W extends PriorityWaiter> {
  // Lowest priority first: the next waiter is in the last level, and removing that level moves no other.
  readonly #levels: Level<W>[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The waiter that is served first: the oldest with the highest priority. */
  get head(): W | undefined {
    return this.#levels.at(-1)?.queue.head
  }

  /** The waiter that is served last: the newest with the lowest priority. */
  get tail(): W | undefined {
    return this.#levels[0]?.queue.tail
  }

  /** All waiters, in no particular order. */
  *waiters(): Generator<W> {
    for (const { queue } of this.#levels) yield* queue.waiters()
  }

  /** Adds a waiter behind all others of its priority. */
  add(waiter: W): void {
    const { priority } = waiter
    const index = this.#indexOf(priority)
    let level = this.#levels[index]
    if (level?.priority !== priority) {
      level = { priority, queue: new WaitQueue() }
      this.#levels.splice(index, 0, level)
    }
    level.queue.add(waiter)
    this.#length += 1
  }

  /** Removes a waiter at any position. Returns false if it is not in the queue. */
  remove(waiter: W): boolean {
    if (!waiter.waiting) return false
    const index = this.#indexOf(waiter.priority)
    const { queue } = this.#levels[index] as Level<W>
    queue.remove(waiter)
    if (queue.length === 0) this.#levels.splice(index, 1)
    this.#length -= 1
    return true
  }

  /** The index of a priority's level, or where to insert that level. */
  #indexOf(priority: number): number {
    let [low, high] = [0, this.#levels.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#levels[middle] as Level<W>).priority < priority) low = middle + 1
      else high = middle
    }
    return low
  }
}
