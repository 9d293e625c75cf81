import { AHEAD_MS_MIN } from './watch/clock-offset.ts'

/** Keeps the newest items up to a bound, ordered by time. */
export class Latest<T extends { readonly at: number }> {
  readonly #max: number
  readonly #clock: () => number
  readonly #items: T[] = []

  /** With `clock`, the reader's clock, items ahead of it make room first: it may have been set back. */
  constructor(max: number, clock: () => number = () => Number.POSITIVE_INFINITY) {
    this.#max = max
    this.#clock = clock
  }

  /** All items, oldest first. */
  get items(): readonly T[] {
    return this.#items
  }

  /** Whether an item with this time would be kept. Check this before building the item. */
  accepts(at: number, clockMs?: number): boolean {
    return this.#items.length < this.#max || at >= (this.#items[0]?.at ?? 0) || this.#isLastAhead(clockMs)
  }

  /** Adds an item after those with the same time. Returns the one that is not kept, which may be this one. */
  add(item: T): T | undefined {
    if (!this.accepts(item.at)) return item
    let index = this.#items.length
    if (item.at < (this.#items[index - 1]?.at ?? item.at)) {
      let low = 0
      while (low < index) {
        const middle = (low + index) >>> 1
        if ((this.#items[middle]?.at ?? 0) <= item.at) low = middle + 1
        else index = middle
      }
    }
    this.#items.splice(index, 0, item)
    if (this.#items.length <= this.#max) return undefined
    return this.#isLastAhead() ? this.#items.pop() : this.#items.shift()
  }

  #isLastAhead(clockMs: number = this.#clock()): boolean {
    return (this.#items.at(-1)?.at ?? 0) > clockMs + AHEAD_MS_MIN
  }

  /** Removes the items after a time. */
  dropAfter(at: number): void {
    while ((this.#items.at(-1)?.at ?? at) > at) this.#items.pop()
  }

  /** Takes items that another one had. */
  restore(items: readonly T[]): void {
    this.#items.splice(0, this.#items.length, ...items.slice(-this.#max))
  }

  /** Moves items to other times. */
  move(isMoved: (item: T) => boolean, byMs: number): void {
    const items = this.#items.map((item) => (isMoved(item) ? { ...item, at: item.at + byMs } : item))
    this.#items.splice(0, items.length, ...items.sort((a, b) => a.at - b.at))
  }

  /** Replaces an item with another one that has the same time. */
  replace(old: T, item: T): void {
    const index = this.#items.indexOf(old)
    if (index !== -1) this.#items[index] = item
  }
}
