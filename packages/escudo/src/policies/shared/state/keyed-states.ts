import { LruOrder } from './lru-order.ts'

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
  readonly #free = new LruOrder<string | undefined, S>()
  readonly #kept = new LruOrder<string | undefined, S>()

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
      this.#kept.use(key, kept)
      return kept
    }
    const free = this.#free.get(key)
    if (free !== undefined) {
      this.#free.use(key, free)
      return free
    }
    const gone = this.size >= this.#maxKeys ? (this.#free.takeOldest() ?? this.#kept.takeOldest()) : undefined
    const state = this.#create(key)
    this.#free.use(key, state)
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
    move(key, this.#free, this.#kept)
  }

  /** The key may go again. */
  release(key: string | undefined): void {
    move(key, this.#kept, this.#free)
  }

  /** All keys with their states, those that are kept first. */
  *entries(): Generator<readonly [string | undefined, S]> {
    yield* this.#kept.entries()
    yield* this.#free.entries()
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
