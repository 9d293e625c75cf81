/** Keeps the newest items by their time, up to a bound, in the order of time. */
export class Latest<T extends { readonly at: number }> {
  readonly #max: number
  readonly #items: T[] = []

  constructor(max: number) {
    this.#max = max
  }

  /** From the oldest to the newest. */
  get items(): readonly T[] {
    return this.#items
  }

  /** Whether an item of this time would be kept: asked before one is built. */
  takes(at: number): boolean {
    return this.#items.length < this.#max || at >= (this.#items[0]?.at ?? 0)
  }

  /** Keeps the item, behind those of the same time. */
  add(item: T): void {
    if (!this.takes(item.at)) return
    let place = this.#items.length
    if (item.at < (this.#items[place - 1]?.at ?? item.at)) {
      let low = 0
      while (low < place) {
        const middle = (low + place) >>> 1
        if ((this.#items[middle]?.at ?? 0) <= item.at) low = middle + 1
        else place = middle
      }
    }
    this.#items.splice(place, 0, item)
    if (this.#items.length > this.#max) this.#items.shift()
  }

  /** Puts another item of the same time in the place of one. */
  replace(old: T, item: T): void {
    const place = this.#items.indexOf(old)
    if (place !== -1) this.#items[place] = item
  }
}
