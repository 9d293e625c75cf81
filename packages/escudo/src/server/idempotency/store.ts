import type { Unlock } from '../../policies/cache/store.ts'

/**
 * Where answers are kept: `fleet().store()` of `escudo/redis`, or anything with these methods. Values are plain JSON.
 *
 * Each method may return a promise, and may reject.
 */
export interface IdempotencyStore {
  /** Returns the value of a key; undefined or null if there is none. */
  get(key: string): unknown
  /** Stores a value for `keepMs` milliseconds. It must have ended when the promise resolves. */
  set(key: string, value: unknown, keepMs: number): unknown
  /** Removes a key. */
  delete(key: string): unknown
  /** Takes a lock that ends by itself. Returns how to release it; undefined or null if another request has it. */
  lock(key: string, forMs: number): Unlock | null | undefined | PromiseLike<Unlock | null | undefined>
}

interface Entry {
  readonly value: unknown
  readonly bytes: number
  readonly endsMs: number
}

/** A value that may be removed when there are too many. */
export interface Removable {
  /** Whether a request runs: without its value a second one could begin. */
  readonly isRunning: boolean
  readonly bytes: number
}

/** Keeps answers in the memory of the process: at most `maxEntries`, of at most `maxBytes` together; the oldest go first. */
export class MemoryStore implements IdempotencyStore {
  readonly #maxEntries: number
  readonly #maxBytes: number
  readonly #now: () => number
  readonly #sizeOf: (value: unknown) => Removable
  /** Oldest first. */
  readonly #answers = new Map<string, Entry>()
  /** As many as requests run. */
  readonly #running = new Map<string, Entry>()
  readonly #locks = new Map<string, number>()
  #bytes = 0

  constructor(
    { maxEntries, maxBytes }: { readonly maxEntries: number; readonly maxBytes: number },
    sizeOf: (value: unknown) => Removable,
    now: () => number,
  ) {
    this.#maxEntries = maxEntries
    this.#maxBytes = maxBytes
    this.#sizeOf = sizeOf
    this.#now = now
  }

  get(key: string): unknown {
    const entry = this.#answers.get(key) ?? this.#running.get(key)
    if (entry === undefined) return undefined
    if (entry.endsMs > this.#now()) return entry.value
    this.delete(key)
    return undefined
  }

  set(key: string, value: unknown, keepMs: number): void {
    this.delete(key)
    this.#removeEnded()
    const { isRunning, bytes } = this.#sizeOf(value)
    // All others would go, and then this one.
    if (!isRunning && bytes > this.#maxBytes) return
    const entry = { value, bytes, endsMs: this.#now() + keepMs }
    if (isRunning) {
      this.#running.set(key, entry)
      return
    }
    this.#answers.set(key, entry)
    this.#bytes += bytes
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= this.#maxEntries && this.#bytes <= this.#maxBytes) break
      this.delete(oldest)
    }
  }

  delete(key: string): void {
    this.#running.delete(key)
    this.#bytes -= this.#answers.get(key)?.bytes ?? 0
    this.#answers.delete(key)
  }

  lock(key: string, forMs: number): Unlock | undefined {
    const now = this.#now()
    if ((this.#locks.get(key) ?? now) > now) return undefined
    const endsMs = now + forMs
    this.#locks.set(key, endsMs)
    return () => {
      if (this.#locks.get(key) === endsMs) this.#locks.delete(key)
    }
  }

  /** A client that never comes back must not keep anything in memory. */
  #removeEnded(): void {
    const now = this.#now()
    for (const entries of [this.#running, this.#answers]) {
      for (const [key, { endsMs }] of entries) {
        if (endsMs > now) break
        this.delete(key)
      }
    }
  }

  /** The number of answers, and their size. */
  get size(): { readonly answers: number; readonly bytes: number; readonly running: number } {
    return { answers: this.#answers.size, bytes: this.#bytes, running: this.#running.size }
  }
}
