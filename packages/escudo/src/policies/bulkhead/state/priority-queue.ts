import { type Waiter, WaitQueue } from '../../shared/state/queue.ts'

/** One who waits, and how urgently. */
export interface PriorityWaiter extends Waiter {
  /** Higher goes first. Any number but NaN. */
  readonly priority: number
}

/** Those of one priority, in the order in which they came. */
interface Level<W extends PriorityWaiter> {
  readonly priority: number
  readonly line: WaitQueue<W>
}

/**
 * Those who wait, higher priority first, equals in the order in which they came. Pure: it wakes nobody.
 *
 * A line for each priority that somebody waits with. Joining and leaving search among the priorities, and not among
 * those who wait: programs have a handful of priorities, however long the queue.
 */
export class PriorityQueue<W extends PriorityWaiter> {
  // From the lowest on: so the next to go stands at the end, where taking a level away moves no other.
  readonly #levels: Level<W>[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Who goes first: of the highest priority, who came first. */
  get head(): W | undefined {
    return this.#levels.at(-1)?.line.head
  }

  /** Who goes last: of the lowest priority, who came last. */
  get tail(): W | undefined {
    return this.#levels[0]?.line.tail
  }

  /** Joins behind all of its priority. */
  add(waiter: W): void {
    const { priority } = waiter
    const place = this.#placeOf(priority)
    let level = this.#levels[place]
    if (level?.priority !== priority) {
      level = { priority, line: new WaitQueue() }
      this.#levels.splice(place, 0, level)
    }
    level.line.add(waiter)
    this.#length += 1
  }

  /** Leaves the line from wherever it stands. False for one who is not in it. */
  release(waiter: W): boolean {
    if (!waiter.waiting) return false
    const place = this.#placeOf(waiter.priority)
    const { line } = this.#levels[place] as Level<W>
    line.release(waiter)
    if (line.length === 0) this.#levels.splice(place, 1)
    this.#length -= 1
    return true
  }

  /** Where the level of a priority stands, or would stand. */
  #placeOf(priority: number): number {
    let [low, high] = [0, this.#levels.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#levels[middle] as Level<W>).priority < priority) low = middle + 1
      else high = middle
    }
    return low
  }
}
