import { type Clock, systemClock } from '../../core/clock.ts'
import { ignoreRejection, isThenable } from '../../errors/options/synchronous.ts'
import { read } from '../../errors/safe-read.ts'
import type { CacheEntries, CacheEntry } from './state/cache-entries.ts'
import type { CacheStore, StoredValue } from './store.ts'

/** Reports that the store has failed. */
export type ReportFailure = (key: string, action: keyof CacheStore, error: unknown) => void

/**
 * Keeps the entries of a cache equal to those in its store.
 *
 * The entries decide what a value may be used for, as without a store. Before each call, the entry of its key is read from
 * the store. Writes are not waited for: until one has ended, the entry is newer than the store.
 */
export class StoreMirror {
  readonly #store: CacheStore
  readonly #timeoutMs: number
  readonly #entries: CacheEntries<unknown>
  readonly #report: ReportFailure
  /** The last write of each key that has not ended. Bounded by the timeout of each write. */
  readonly #writes = new Map<string, Promise<void>>()
  clock: Clock = systemClock

  constructor(store: CacheStore, timeoutMs: number, entries: CacheEntries<unknown>, report: ReportFailure) {
    this.#store = store
    this.#timeoutMs = timeoutMs
    this.#entries = entries
    this.#report = report
  }

  /** Reads the entry of a key from the store. Returns false if the store failed: the entry may then be old. */
  async synchronize(key: string): Promise<boolean> {
    if (this.#writes.has(key)) return true
    const answer = await this.#ask(key, 'get', () => this.#store.get(key))
    if (answer === undefined) return false
    // A write has begun meanwhile. What was read is older.
    if (this.#writes.has(key)) return true
    const { value: stored } = answer
    if (stored === undefined || stored === null) {
      this.#entries.drop(key)
      return true
    }
    const storedAt = read(stored, 'storedAt')
    if (typeof storedAt !== 'number' || !Number.isFinite(storedAt) || !('value' in (stored as object))) {
      this.#report(key, 'get', new TypeError('the store of a cache returned something that it has not stored'))
      return false
    }
    const ageMs = Math.max(0, this.#wallNow() - storedAt)
    this.#entries.adopt(key, (stored as StoredValue).value, storedAt, this.clock.now() - ageMs)
    return true
  }

  /** Writes a new entry to the store. */
  write(entry: CacheEntry<unknown>, keepMs: number): void {
    const stored: StoredValue = { value: entry.value, storedAt: this.#wallNow() }
    entry.storedAt = stored.storedAt
    this.#write(entry.key, 'set', () => this.#store.set(entry.key, stored, keepMs))
  }

  /** Removes a key from the store. */
  remove(key: string): void {
    this.#write(key, 'delete', () => this.#store.delete(key))
  }

  /** Writes of one key are made one after the other, so that the last one wins. */
  #write(key: string, action: 'set' | 'delete', use: () => unknown): void {
    const before = this.#writes.get(key)
    const write: Promise<void> = this.#after(before, key, action, use).then(() => {
      if (this.#writes.get(key) === write) this.#writes.delete(key)
    })
    this.#writes.set(key, write)
  }

  async #after(
    before: Promise<void> | undefined,
    key: string,
    action: 'set' | 'delete',
    use: () => unknown,
  ): Promise<void> {
    // A synchronous store is written at once.
    if (before !== undefined) await before
    await this.#ask(key, action, use)
  }

  /** Uses the store, at most for the timeout. Returns undefined if it failed. Never rejects. */
  async #ask(
    key: string,
    action: keyof CacheStore,
    use: () => unknown,
  ): Promise<{ readonly value: unknown } | undefined> {
    try {
      const result = use()
      return { value: isThenable(result) ? await this.#inTime(result) : result }
    } catch (error) {
      this.#report(key, action, error)
      return undefined
    }
  }

  #inTime(result: PromiseLike<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const cancelTimer = this.clock.setTimer(
        () => reject(new Error(`the store of a cache took longer than ${this.#timeoutMs} ms`)),
        this.#timeoutMs,
      )
      const settled = Promise.resolve(result).finally(cancelTimer)
      settled.then(resolve, reject)
      ignoreRejection(settled)
    })
  }

  /** The time that other processes know too. */
  #wallNow(): number {
    return this.clock === systemClock ? Date.now() : this.clock.now()
  }
}
