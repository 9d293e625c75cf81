// So many of the oldest keys are looked up at a time.
const LOOKED_UP = 64

/**
 * States in the order of their last use. A Map iterates in the order of insertion, and a use inserts anew. Whoever looks
 * for the oldest passes all that was removed since the map last made order, half a million places in a map of a million
 * keys: so the search pays for many at a time. (An iterator that stays where it stopped would not search at all, and
 * would keep every table that the map has outgrown since: fifty megabytes for a million uses.)
 */
export class LruOrder<K, S> {
  readonly #states = new Map<K, S>()
  /** The oldest keys, oldest first, as far as they have been looked up; a key that is used or removed is taken out. */
  readonly #oldest = new Set<K>()

  get size(): number {
    return this.#states.size
  }

  get(key: K): S | undefined {
    return this.#states.get(key)
  }

  /** Puts a state in, or one that is there already to the end: its last use is now. */
  use(key: K, state: S): void {
    this.delete(key)
    this.#states.set(key, state)
  }

  delete(key: K): void {
    this.#oldest.delete(key)
    this.#states.delete(key)
  }

  clear(): void {
    this.#oldest.clear()
    this.#states.clear()
  }

  /** Removes the state that was used least recently; undefined where there is none. */
  takeOldest(): S | undefined {
    if (this.#oldest.size === 0) this.#lookUp()
    for (const key of this.#oldest) {
      const state = this.#states.get(key)
      this.delete(key)
      return state
    }
    return undefined
  }

  /** All of them, oldest use first. */
  entries(): Iterable<readonly [K, S]> {
    return this.#states
  }

  #lookUp(): void {
    for (const key of this.#states.keys()) {
      this.#oldest.add(key)
      if (this.#oldest.size === LOOKED_UP) return
    }
  }
}
