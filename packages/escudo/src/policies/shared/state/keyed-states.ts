import { LruOrder } from './lru-order.ts'

/**
 * One state per key, for at most `maxKeys` keys. Beyond that the least recently used key is evicted.
 *
 * A kept key (its circuit is open, its permits are in use) is evicted only if no other key can be. Kept keys have a
 * separate list, so that an eviction never searches through them. `undefined` (a call without a key) and `__proto__` are
 * keys like any other. Pure.
 */
export class KeyedStates<S> {
  readonly #maxKeys: number
  readonly #create: (key: string | undefined) => S
  readonly #onEvicted: ((state: S) => void) | undefined
  readonly #free = new LruOrder<string | undefined, S>()
  readonly #kept = new LruOrder<string | undefined, S>()

  /**
   * @param create makes the state of a new key
   * @param onEvicted called with the state of an evicted key
   */
  constructor(maxKeys: number, create: (key: string | undefined) => S, onEvicted?: (state: S) => void) {
    this.#maxKeys = maxKeys
    this.#create = create
    this.#onEvicted = onEvicted
  }

  /** The number of keys. */
  get size(): number {
    return this.#free.size + this.#kept.size
  }

  /** Returns the key's state, created if there is none. Its last use is now. */
  use(key: string | undefined): S {
    const kept = this.#kept.get(key)
    if (kept !== undefined) {
      this.#kept.use(key, kept)
      return kept
    }
    const free = this.#free.get(key)
    if (free !== undefined) {
      this.#free.use(key, free)
      return free
    }
    const evicted = this.size >= this.#maxKeys ? (this.#free.takeOldest() ?? this.#kept.takeOldest()) : undefined
    const state = this.#create(key)
    this.#free.use(key, state)
    // Last, because the callback may use keys of this object.
    if (evicted !== undefined) this.#onEvicted?.(evicted)
    return state
  }

  /** Returns the key's state, if there is one. Does not count as a use. */
  peek(key: string | undefined): S | undefined {
    return this.#kept.get(key) ?? this.#free.get(key)
  }

  /** Marks the key as kept: it is evicted only if no other key can be. No effect on an unknown key. */
  keep(key: string | undefined): void {
    move(key, this.#free, this.#kept)
  }

  /** Ends {@link keep}: the key can be evicted again. */
  release(key: string | undefined): void {
    move(key, this.#kept, this.#free)
  }

  /** The states of all keys, those of kept keys first. */
  get states(): readonly S[] {
    return [...this.#kept.entries(), ...this.#free.entries()].map(([, state]) => state)
  }
}

function move<S>(
  key: string | undefined,
  from: LruOrder<string | undefined, S>,
  to: LruOrder<string | undefined, S>,
): void {
  const state = from.get(key)
  if (state === undefined) return
  from.delete(key)
  to.use(key, state)
}
