import { type Clock, systemClock } from '../../core/clock.ts'
import { isThenable } from '../../errors/options/synchronous.ts'
import { read } from '../../errors/safe-read.ts'
import type { CacheEntries, CacheEntry } from './state/cache-entries.ts'
import type { CacheStore, StoredValue, Unlock } from './store.ts'

/** Reports that the store has failed. */
export type ReportFailure = (key: string, action: StoreAction, error: unknown) => void

/** What a cache uses its store for. */
export type StoreAction = keyof CacheStore | 'unlock'

/** The writes of one key. */
interface Writes {
  /** The write that waits; undefined if there is none. */
  next: (() => Promise<void>) | undefined
  /** Resolves when all are made. */
  all: Promise<void> | undefined
}

/** The reads of one key, while there are any. */
interface Reads {
  underway: number
  /** How many reads and writes have begun. */
  begun: number
  /** The number of the one that has determined the entry: an answer to an earlier read is old. */
  newest: number
}

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
  /** The keys whose store is being written. At most one write of a key waits. */
  readonly #writes = new Map<string, Writes>()
  readonly #reads = new Map<string, Reads>()
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
    const reads = this.#reads.get(key) ?? { underway: 0, begun: 0, newest: 0 }
    this.#reads.set(key, reads)
    reads.underway += 1
    reads.begun += 1
    const number = reads.begun
    const answer = await this.#ask(key, 'get', () => this.#store.get(key), storedIn)
    reads.underway -= 1
    if (reads.underway === 0) this.#reads.delete(key)
    // A write or a later read has overtaken this one.
    if (number < reads.newest) return true
    if (answer === undefined) return false
    reads.newest = number
    const { value: stored } = answer
    if (stored === undefined) {
      this.#entries.drop(key)
      return true
    }
    const ageMs = Math.max(0, this.#wallNow() - stored.storedAt)
    this.#entries.adopt(key, stored.value, stored.storedAt, this.clock.now() - ageMs)
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

  /**
   * Writes of one key are made one after the other. While one is under way, only the last of the others waits: it replaces
   * those before it, so a store that hangs collects none.
   */
  #write(key: string, action: 'set' | 'delete', use: () => unknown): void {
    const reads = this.#reads.get(key)
    if (reads !== undefined) {
      reads.begun += 1
      reads.newest = reads.begun
    }
    const write = async (): Promise<void> => void (await this.#ask(key, action, use))
    const present = this.#writes.get(key)
    if (present !== undefined) {
      present.next = write
      return
    }
    const writes: Writes = { next: write, all: undefined }
    this.#writes.set(key, writes)
    writes.all = this.#writeAll(key, writes)
  }

  /** Resolves when the writes of a key have ended, whether they have failed or not. */
  async written(key: string): Promise<void> {
    await this.#writes.get(key)?.all
  }

  /** Takes the lock of a key. Returns undefined if the store has failed. Never rejects. */
  async lock(key: string, forMs: number): Promise<Unlock | 'taken' | undefined> {
    const answer = await this.#ask(key, 'lock', () => this.#store.lock?.(key, forMs), unlockIn)
    return answer === undefined ? undefined : (answer.value ?? 'taken')
  }

  /** Releases a lock. Never rejects. */
  async unlock(key: string, unlock: Unlock): Promise<void> {
    await this.#ask(key, 'unlock', unlock)
  }

  /** Makes the writes of a key. A synchronous store is written at once. */
  async #writeAll(key: string, writes: Writes): Promise<void> {
    for (let write = writes.next; write !== undefined; write = writes.next) {
      writes.next = undefined
      await write()
    }
    this.#writes.delete(key)
  }

  /** Uses the store, at most for the timeout. Returns undefined if it failed. Never rejects. */
  async #ask<T>(
    key: string,
    action: StoreAction,
    use: () => unknown,
    accept: (result: unknown) => T = (result) => result as T,
  ): Promise<{ readonly value: T } | undefined> {
    try {
      const result = use()
      return { value: accept(isThenable(result) ? await this.#inTime(result) : result) }
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
      Promise.resolve(result).finally(cancelTimer).then(resolve, reject)
    })
  }

  /** The time that other processes know too. */
  #wallNow(): number {
    return this.clock === systemClock ? Date.now() : this.clock.now()
  }
}

/**
 * Reads what a store has returned; undefined if it has nothing.
 *
 * @throws TypeError if it is no stored value; what a getter of it throws
 */
function storedIn(result: unknown): StoredValue | undefined {
  if (result === undefined || result === null) return undefined
  const storedAt = read(result, 'storedAt')
  if (typeof storedAt !== 'number' || !Number.isFinite(storedAt) || !('value' in (result as object))) {
    throw new TypeError('the store of a cache returned something that it has not stored')
  }
  return { value: (result as StoredValue).value, storedAt }
}

/** @throws TypeError if it is no function */
function unlockIn(result: unknown): Unlock | undefined {
  if (result === undefined || result === null) return undefined
  if (typeof result === 'function') return result as Unlock
  throw new TypeError('the store of a cache returned a lock that is no function')
}
