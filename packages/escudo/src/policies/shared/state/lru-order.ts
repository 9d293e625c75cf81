const KEYS_PER_SEARCH = 64

/**
 * States in the order of their last use. Each use inserts the key again, because a Map iterates in insertion order.
 *
 * A search for the oldest key passes all entries that were removed since the map last compacted: up to half a million in
 * a map of a million keys. Each search therefore caches the 64 oldest keys. (An iterator that is kept open would need no
 * search, but would retain every table that the map has replaced since: fifty megabytes for a million uses.)
 */
export class LruOrder<K, S> {
  readonly #states = new Map<K, S>()
  /** The oldest keys that the last search found, oldest first, without those used or removed since. */
  readonly #oldest = new Set<K>()

  get size(): number {
    return this.#states.size
  }

  get(key: K): S | undefined {
    return this.#states.get(key)
  }

  /** Adds a state, or moves it to the end: its last use is now. */
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

  /** Removes and returns the least recently used state; undefined if there is none. */
  takeOldest(): S | undefined {
    if (this.#oldest.size === 0) this.#findOldest()
    for (const key of this.#oldest) {
      const state = this.#states.get(key)
      this.delete(key)
      return state
    }
    return undefined
  }

  /** All keys with their states, oldest use first. */
  entries(): Iterable<readonly [K, S]> {
    return this.#states
  }

  #findOldest(): void {
    for (const key of this.#states.keys()) {
      this.#oldest.add(key)
      if (this.#oldest.size === KEYS_PER_SEARCH) return
    }
  }
}
