/**
 * One state for each key, at most `maxKeys` of them: the key that was used least recently goes first. A key that is
 * kept (its circuit is open, its places are taken) goes only when nothing else can.
 *
 * Pure: it makes, finds and forgets. Kept keys stand in a list of their own, so that nobody searches for one that may
 * go, however many may not. `undefined`, a call without a key, is a key like any other, and so is `__proto__`.
 */
export class KeyedStates<S> {
  readonly #maxKeys: number
  readonly #create: (key: string | undefined) => S
  readonly #onForget: ((state: S) => void) | undefined
  // In the order of their last use: a Map iterates in the order of insertion, and a use inserts anew.
  readonly #free = new Map<string | undefined, S>()
  readonly #kept = new Map<string | undefined, S>()
  readonly #oldestFree = new Oldest(this.#free)
  readonly #oldestKept = new Oldest(this.#kept)

  /**
   * @param create makes the state of a key that there is none of
   * @param onForget hears of a state whose key had to go
   */
  constructor(maxKeys: number, create: (key: string | undefined) => S, onForget?: (state: S) => void) {
    this.#maxKeys = maxKeys
    this.#create = create
    this.#onForget = onForget
  }

  /** How many keys there are. */
  get size(): number {
    return this.#free.size + this.#kept.size
  }

  /** The key's state, made where there is none; its last use is now. */
  of(key: string | undefined): S {
    const kept = this.#kept.get(key)
    if (kept !== undefined) {
      moveToEnd(this.#kept, key, kept)
      return kept
    }
    const free = this.#free.get(key)
    if (free !== undefined) {
      moveToEnd(this.#free, key, free)
      return free
    }
    const gone = this.size >= this.#maxKeys ? this.#takeOldest() : undefined
    const state = this.#create(key)
    this.#free.set(key, state)
    // Last, since whoever hears of it may use keys in his turn.
    if (gone !== undefined) this.#onForget?.(gone)
    return state
  }

  /** The key's state where there is one; this is no use of it. */
  peek(key: string | undefined): S | undefined {
    return this.#kept.get(key) ?? this.#free.get(key)
  }

  /** From now on the key goes only when nothing else can. Without effect on a key that is gone. */
  keep(key: string | undefined): void {
    this.#move(key, this.#free, this.#kept)
  }

  /** The key may go again. */
  release(key: string | undefined): void {
    this.#move(key, this.#kept, this.#free)
  }

  /** All keys with their states, those that are kept first. */
  *entries(): Generator<readonly [string | undefined, S]> {
    yield* this.#kept
    yield* this.#free
  }

  #move(key: string | undefined, from: Map<string | undefined, S>, to: Map<string | undefined, S>): void {
    const state = from.get(key)
    if (state === undefined || !from.delete(key)) return
    to.set(key, state)
  }

  #takeOldest(): S | undefined {
    const free = this.#free.size > 0
    const oldest = (free ? this.#oldestFree : this.#oldestKept).next()
    if (oldest === undefined) return undefined
    ;(free ? this.#free : this.#kept).delete(oldest[0])
    return oldest[1]
  }
}

function moveToEnd<S>(states: Map<string | undefined, S>, key: string | undefined, state: S): void {
  states.delete(key)
  states.set(key, state)
}

/**
 * Finds the oldest entry of a map, again and again. It goes on where it stopped: whatever stands before has been removed,
 * or inserted anew at the end. One who begins at the front each time passes all that was removed since the map last made
 * order, and in a map of a million keys that may be half of them.
 */
class Oldest<S> {
  readonly #map: Map<string | undefined, S>
  #entries: Iterator<[string | undefined, S]> | undefined

  constructor(map: Map<string | undefined, S>) {
    this.#map = map
  }

  /** The oldest entry, which the caller then removes. */
  next(): readonly [string | undefined, S] | undefined {
    this.#entries ??= this.#map.entries()
    const next = this.#entries.next()
    if (next.done !== true) return next.value
    // An iterator that has come to its end sees nothing of what is inserted later.
    this.#entries = undefined
    return this.#map.entries().next().value
  }
}
