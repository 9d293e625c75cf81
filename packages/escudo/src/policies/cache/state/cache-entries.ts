import { LruOrder } from '../../shared/state/lru-order.ts'

/** How long a value serves, each from the instant on at which it was stored. */
export interface CacheTimes {
  /** As long as it is fresh. */
  readonly ttlMs: number
  /** How much longer it is given out while it is refreshed. */
  readonly staleWhileRevalidateMs: number
  /** How much longer it stands in for a failure. */
  readonly staleIfErrorMs: number
}

/** One value of a cache. */
export interface CacheEntry<V> {
  readonly key: string
  readonly value: V
  readonly storedMs: number
  /** The number of the run that gave the value: a later run is newer, whenever it ended. */
  readonly run: number
}

interface Held<V> extends CacheEntry<V> {
  refreshing: boolean
  /** No refresh begins before: one has failed. */
  pausedUntilMs: number
}

// A refresh that failed: a dependency that is down is asked at most ten times as often as a healthy one, and a key
// neither more often than once in a second nor, for a ttl of hours, as late as hours later.
const PAUSE_SHARE_OF_TTL = 10
const PAUSE_MS_MIN = 1_000
const PAUSE_MS_MAX = 30_000

/**
 * The values of a cache, at most `maxEntries`: the key that was used least recently goes first. Pure: it says what a
 * value is good for and whether it is to be refreshed, and runs nothing.
 *
 * Who runs the operation takes a number first and stores its value with it. So a slow run cannot replace the value of
 * one that began after it, and what was under way when a key was deleted cannot come back.
 */
export class CacheEntries<V> {
  readonly #maxEntries: number
  readonly #times: CacheTimes
  readonly #gone: (entry: CacheEntry<V>) => void
  readonly #entries = new LruOrder<string, Held<V>>()
  // What was deleted, and when, in runs. Of more keys than there are entries only the latest deletion of those that are
  // forgotten is known, and counts for every key: a value too few is kept, and never a deleted one.
  readonly #deleted = new Map<string, number>()
  #deletedBefore = 0
  #runs = 0

  /** @param gone hears of each entry that is replaced, deleted or forgotten */
  constructor(maxEntries: number, times: CacheTimes, gone: (entry: CacheEntry<V>) => void = () => {}) {
    this.#maxEntries = maxEntries
    this.#times = times
    this.#gone = gone
  }

  /** How many values there are, those included that serve for nothing any more. */
  get size(): number {
    return this.#entries.size
  }

  /** The key's value, whatever it is still good for; its last use is now. */
  use(key: string): CacheEntry<V> | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.use(key, entry)
    return entry
  }

  /** Whether the value is given out as it is. */
  isFresh(entry: CacheEntry<V>, now: number): boolean {
    return now - entry.storedMs < this.#times.ttlMs
  }

  /** Whether the value is given out while it is refreshed. */
  servesMeanwhile(entry: CacheEntry<V>, now: number): boolean {
    const { ttlMs, staleWhileRevalidateMs } = this.#times
    return now - entry.storedMs < ttlMs + staleWhileRevalidateMs
  }

  /** The value that stands in for a failure; this is no use of it. */
  spare(key: string, now: number): CacheEntry<V> | undefined {
    const { ttlMs, staleIfErrorMs } = this.#times
    const entry = this.#entries.get(key)
    if (entry === undefined || staleIfErrorMs === 0) return undefined
    return now - entry.storedMs < ttlMs + staleIfErrorMs ? entry : undefined
  }

  /** The number of a run that begins. */
  begin(): number {
    this.#runs += 1
    return this.#runs
  }

  /** Keeps the value of a run, unless a later run was faster, or the key was deleted meanwhile. */
  store(key: string, value: V, run: number, now: number): void {
    const present = this.#entries.get(key)
    if (run < (this.#deleted.get(key) ?? this.#deletedBefore)) return
    if (present !== undefined && run < present.run) return
    const leaves = present ?? (this.size >= this.#maxEntries ? this.#entries.takeOldest() : undefined)
    const pausedUntilMs = Number.NEGATIVE_INFINITY
    this.#entries.use(key, { key, value, storedMs: now, run, refreshing: false, pausedUntilMs })
    // Last, here and below: whoever hears of it may come back.
    if (leaves !== undefined) this.#gone(leaves)
  }

  /** A run found that there is no such value any more: what earlier runs gave goes. */
  retract(key: string, run: number): void {
    const present = this.#entries.get(key)
    if (present !== undefined && present.run < run) this.#remove(present)
  }

  /** Whether a refresh is to begin; then it has begun, and until it ends there is no second one. */
  tryRefresh(entry: CacheEntry<V>, now: number): boolean {
    const held = entry as Held<V>
    if (held.refreshing || now < held.pausedUntilMs) return false
    held.refreshing = true
    return true
  }

  /** A refresh came to nothing: the next one begins after a pause. */
  refreshFailed(entry: CacheEntry<V>, now: number): void {
    const held = entry as Held<V>
    const pauseMs = this.#times.ttlMs / PAUSE_SHARE_OF_TTL
    held.refreshing = false
    held.pausedUntilMs = now + Math.min(PAUSE_MS_MAX, Math.max(PAUSE_MS_MIN, pauseMs))
  }

  /** Forgets a key, and what is under way for it. Tells whether there was a value. */
  delete(key: string): boolean {
    this.#deleted.delete(key)
    this.#deleted.set(key, this.begin())
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

  /** Forgets everything, and what is under way. */
  clear(): void {
    this.#deleted.clear()
    this.#deletedBefore = this.begin()
    const entries = [...this.#entries.entries()]
    this.#entries.clear()
    for (const [, entry] of entries) this.#gone(entry)
  }

  #remove(entry: Held<V>): void {
    this.#entries.delete(entry.key)
    this.#gone(entry)
  }
}
