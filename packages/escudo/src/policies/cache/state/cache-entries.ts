import { LruOrder } from '../../shared/state/lru-order.ts'

/** How long a value may be used, counted from the moment that it was stored. */
export interface CacheTimes {
  /** How long it is fresh. */
  readonly ttlMs: number
  /** How much longer it is returned while it is refreshed. */
  readonly staleWhileRevalidateMs: number
  /** How much longer it replaces a failure. */
  readonly staleIfErrorMs: number
}

/** One value of a cache. */
export interface CacheEntry<V> {
  readonly key: string
  readonly value: V
  readonly storedMs: number
  /** The number of the run that produced the value. A run that started later is newer, whichever ended first. */
  readonly run: number
  /** The instant that the store of the cache knows; undefined without a store. */
  storedAt: number | undefined
}

interface StoredEntry<V> extends CacheEntry<V> {
  refreshing: boolean
  /** No refresh starts before this time, because one has failed. */
  pausedUntilMs: number
}

// The pause after a failed refresh. With a tenth of the ttl, a dependency that is down gets at most ten times as many
// calls as a healthy one. The minimum limits the calls if the ttl is short, the maximum limits the wait if it is long.
const PAUSE_SHARE_OF_TTL = 10
const PAUSE_MS_MIN = 1_000
const PAUSE_MS_MAX = 30_000

/**
 * The values of a cache. Beyond `maxEntries` the least recently used key is evicted.
 *
 * Pure: it decides what a value may be used for and when to refresh it, and runs nothing.
 *
 * Each run of the operation takes a number when it starts, and stores its value with that number. A slow run therefore
 * cannot replace the value of a run that started later, and a run that started before a deletion cannot restore the
 * deleted value.
 */
export class CacheEntries<V> {
  #maxEntries: number
  #times: CacheTimes
  readonly #onRemoved: (entry: CacheEntry<V>) => void
  readonly #entries = new LruOrder<string, StoredEntry<V>>()
  // The run number of each deletion, for at most `maxEntries` keys. Older deletions are merged into the number of the
  // latest one, which then holds for every key: a value may fail to be stored, but no deleted value comes back.
  readonly #deleted = new Map<string, number>()
  #deletedBefore = 0
  #runs = 0

  /** @param onRemoved called with each entry that is replaced, deleted or evicted */
  constructor(maxEntries: number, times: CacheTimes, onRemoved: (entry: CacheEntry<V>) => void = () => {}) {
    this.#maxEntries = maxEntries
    this.#times = times
    this.#onRemoved = onRemoved
  }

  /** Changes the options. They apply to stored values too; those beyond `maxEntries` are evicted. */
  reconfigure(maxEntries: number, times: CacheTimes): void {
    this.#maxEntries = maxEntries
    this.#times = times
    for (let excess = this.size - maxEntries; excess > 0; excess -= 1) {
      const evicted = this.#entries.takeOldest()
      if (evicted !== undefined) this.#onRemoved(evicted)
    }
  }

  /** The number of values, expired ones included. */
  get size(): number {
    return this.#entries.size
  }

  /** The entry of a key, however old, marked as used now. */
  use(key: string): CacheEntry<V> | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.use(key, entry)
    return entry
  }

  /** Whether the value may be returned without a refresh. */
  isFresh(entry: CacheEntry<V>, now: number): boolean {
    return now - entry.storedMs < this.#times.ttlMs
  }

  /** Whether the value may be returned while it is refreshed. */
  mayRevalidate(entry: CacheEntry<V>, now: number): boolean {
    const { ttlMs, staleWhileRevalidateMs } = this.#times
    return now - entry.storedMs < ttlMs + staleWhileRevalidateMs
  }

  /** The entry that replaces a failure. Does not count as a use. */
  staleForError(key: string, now: number): CacheEntry<V> | undefined {
    const { ttlMs, staleIfErrorMs } = this.#times
    const entry = this.#entries.get(key)
    if (entry === undefined || staleIfErrorMs === 0) return undefined
    return now - entry.storedMs < ttlMs + staleIfErrorMs ? entry : undefined
  }

  /** Returns the number of a run that starts now. */
  startRun(): number {
    this.#runs += 1
    return this.#runs
  }

  /**
   * Stores the value of a run, unless a later run has stored one or the key was deleted meanwhile.
   *
   * @returns the entry; undefined if the value was not stored
   */
  store(key: string, value: V, run: number, now: number, storedAt?: number): CacheEntry<V> | undefined {
    const present = this.#entries.get(key)
    if (run < (this.#deleted.get(key) ?? this.#deletedBefore)) return undefined
    if (present !== undefined && run < present.run) return undefined
    return this.#put({ key, value, run, storedMs: now, storedAt }, present)
  }

  /** Takes over a value that another process has stored, unless it is the present one. Any run may replace it. */
  adopt(key: string, value: V, storedAt: number, storedMs: number): void {
    const present = this.#entries.get(key)
    if (present?.storedAt !== storedAt) this.#put({ key, value, run: 0, storedMs, storedAt }, present)
  }

  /** Removes a value that another process has removed. Runs in flight may store theirs. */
  drop(key: string): void {
    const present = this.#entries.get(key)
    if (present !== undefined) this.#remove(present)
  }

  /** How long a value that is stored now may be of use. */
  get keepMs(): number {
    const { ttlMs, staleWhileRevalidateMs, staleIfErrorMs } = this.#times
    return ttlMs + Math.max(staleWhileRevalidateMs, staleIfErrorMs)
  }

  #put(entry: CacheEntry<V>, present: CacheEntry<V> | undefined): CacheEntry<V> {
    const removed = present ?? (this.size >= this.#maxEntries ? this.#entries.takeOldest() : undefined)
    const { key, value, run, storedMs, storedAt } = entry
    const pausedUntilMs = Number.NEGATIVE_INFINITY
    const stored = { key, value, storedMs, run, storedAt, refreshing: false, pausedUntilMs }
    this.#entries.use(key, stored)
    // Called last, here and below: the callback may call the cache again.
    if (removed !== undefined) this.#onRemoved(removed)
    return stored
  }

  /** Removes the value of earlier runs, because this run found that it no longer exists. Returns whether it did. */
  retract(key: string, run: number): boolean {
    const present = this.#entries.get(key)
    if (present === undefined || present.run >= run) return false
    this.#remove(present)
    return true
  }

  /** Starts a refresh of an entry, unless one is running or the pause after a failed one has not ended. */
  tryRefresh(entry: CacheEntry<V>, now: number): boolean {
    const stored = entry as StoredEntry<V>
    if (stored.refreshing || now < stored.pausedUntilMs) return false
    stored.refreshing = true
    return true
  }

  /** Ends a failed refresh. The next one starts after a pause. */
  refreshFailed(entry: CacheEntry<V>, now: number): void {
    const stored = entry as StoredEntry<V>
    const pauseMs = this.#times.ttlMs / PAUSE_SHARE_OF_TTL
    stored.refreshing = false
    stored.pausedUntilMs = now + Math.min(PAUSE_MS_MAX, Math.max(PAUSE_MS_MIN, pauseMs))
  }

  /** Removes a key; runs in flight for it store nothing. Returns whether there was a value. */
  delete(key: string): boolean {
    this.#deleted.delete(key)
    this.#deleted.set(key, this.startRun())
    if (this.#deleted.size > this.#maxEntries) {
      for (const [oldest, run] of this.#deleted) {
        this.#deleted.delete(oldest)
        this.#deletedBefore = run
        break
      }
    }
    const entry = this.#entries.get(key)
    if (entry === undefined) return false
    this.#remove(entry)
    return true
  }

  /** Removes and returns all entries; runs in flight store nothing. */
  clear(): readonly CacheEntry<V>[] {
    this.#deleted.clear()
    this.#deletedBefore = this.startRun()
    const entries = [...this.#entries.entries()].map(([, entry]) => entry)
    this.#entries.clear()
    for (const entry of entries) this.#onRemoved(entry)
    return entries
  }

  #remove(entry: StoredEntry<V>): void {
    this.#entries.delete(entry.key)
    this.#onRemoved(entry)
  }
}
