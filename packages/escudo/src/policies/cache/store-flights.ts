import { type Clock, systemClock } from '../../core/clock.ts'
import type { CancelScope } from '../../core/engine/cancel-scope.ts'
import { sleep } from '../../core/engine/sleep.ts'
import type { Random } from '../../core/random.ts'
import type { CacheEntries, CacheEntry } from './state/cache-entries.ts'
import type { StoreMirror } from './store-mirror.ts'

// How long a call waits before it looks again whether the value is there, or up to twice of it.
const POLL_MS = 20

/** What a call that has found no fresh value does: it uses the value of another one, or runs its operation. */
export interface Turn {
  /** The value that another call has produced meanwhile. */
  readonly entry?: CacheEntry<unknown>
  /** To call when the operation has ended and its value is with the mirror; undefined without a lock. */
  readonly end?: () => void
}

const WITHOUT_LOCK: Turn = {}

/**
 * Lets one process at a time produce the value of a key, by a lock in the store of a cache.
 *
 * The others wait for the value, at most for the timeout. The lock lasts no longer either, so a process that dies or is
 * slow does not keep the others waiting.
 */
export class StoreFlights {
  readonly #mirror: StoreMirror
  readonly #entries: CacheEntries<unknown>
  readonly #timeoutMs: number
  clock: Clock = systemClock
  random: Random = Math.random

  constructor(mirror: StoreMirror, entries: CacheEntries<unknown>, timeoutMs: number) {
    this.#mirror = mirror
    this.#entries = entries
    this.#timeoutMs = timeoutMs
  }

  /** Waits for the lock of a key, or for its value. Never rejects. If the call is cancelled, it only ends early. */
  async wait(key: string, scope: CancelScope | undefined): Promise<Turn> {
    const { clock } = this
    const latestMs = clock.now() + this.#timeoutMs
    while (scope?.cancellation === undefined) {
      const lock = await this.#mirror.lock(key, this.#timeoutMs)
      if (lock === undefined) return WITHOUT_LOCK
      const end = lock === 'taken' ? undefined : () => this.#end(key, lock)
      if (end !== undefined) {
        // The one before may have stored the value since this call has looked.
        const isCurrent = await this.#mirror.synchronize(key)
        const entry = isCurrent ? this.#entries.use(key) : undefined
        if (entry === undefined || !this.#entries.isFresh(entry, clock.now())) return { end }
        end()
        return { entry }
      }
      const delayMs = POLL_MS * (1 + this.random())
      if (clock.now() + delayMs > latestMs) break
      await sleep(delayMs, clock, scope)
    }
    return WITHOUT_LOCK
  }

  /** Takes the lock of a key for a refresh. Returns undefined if another process refreshes. Never rejects. */
  async take(key: string): Promise<Turn | undefined> {
    const lock = await this.#mirror.lock(key, this.#timeoutMs)
    if (lock === 'taken') return undefined
    return lock === undefined ? WITHOUT_LOCK : { end: () => this.#end(key, lock) }
  }

  /** Releases a lock after the value has been written, so that the next one finds it. */
  #end(key: string, unlock: () => unknown): void {
    void this.#mirror.written(key).then(() => this.#mirror.unlock(key, unlock))
  }
}
