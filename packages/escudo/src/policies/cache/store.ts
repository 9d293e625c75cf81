/** A value in a {@link CacheStore}. */
export interface StoredValue<R = unknown> {
  /** What the operation returned. */
  readonly value: R
  /** When it was stored: milliseconds since 1970, or the time of a custom clock of the shield. */
  readonly storedAt: number
}

/**
 * Where a cache keeps its values, in place of the memory of the process: Redis, a file, another cache.
 *
 * Each method may return a promise. If one throws, rejects or takes longer than `storeTimeout`, or if `get` returns
 * anything else than a stored value, the call goes on without the store, and `cacheStoreFailed` is emitted.
 *
 * @example
 * ```ts
 * import { type CacheStore, cache, type StoredValue, shield } from 'escudo'
 *
 * const texts = new Map<string, string>() // for example Redis, with `keepMs` as the time to live
 * const store: CacheStore<number> = {
 *   get: async (key) => {
 *     const text = texts.get(key)
 *     return text === undefined ? undefined : (JSON.parse(text) as StoredValue<number>)
 *   },
 *   set: async (key, stored, keepMs) => void (keepMs > 0 && texts.set(key, JSON.stringify(stored))),
 *   delete: async (key) => void texts.delete(key),
 * }
 * const prices = shield('prices', cache<number>({ ttl: '1m', store }))
 * console.log(await prices.run(() => 12.5, { key: 'mana-potion' }))
 * ```
 */
export interface CacheStore<R = unknown> {
  /** Returns the value of a key; undefined or null if there is none. */
  get(key: string): StoredValue<R> | null | undefined | PromiseLike<StoredValue<R> | null | undefined>
  /** Stores a value. After `keepMs` the cache has no use for it. */
  set(key: string, stored: StoredValue<R>, keepMs: number): unknown
  /** Removes a key. */
  delete(key: string): unknown
  /**
   * Optional. Lets one process at a time produce the value of a key: takes a lock that ends by itself after `forMs`.
   * Returns how to release it; undefined or null if another process has it.
   */
  lock?(key: string, forMs: number): Unlock | null | undefined | PromiseLike<Unlock | null | undefined>
}

/** Releases a lock. It may return a promise. */
export type Unlock = () => unknown
