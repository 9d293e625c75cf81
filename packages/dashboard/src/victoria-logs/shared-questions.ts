/** The most answers that are kept. */
const KEPT_MAX = 16
/** However long an answer took, it is asked for again after this time. */
const PAUSE_MS_MAX = 60_000
/** A question that takes long is asked less often, so that it takes at most a fifth of the time. */
const PAUSE_PER_MS = 4

/** Returns how long an answer is kept that is to be kept for `keptMs` and took `tookMs`. */
export type KeptFor = (keptMs: number, tookMs: number) => number

interface Entry<T> {
  readonly answer: Promise<T>
  readonly controller: AbortController
  /** How many pages wait for the answer. */
  waiting: number
  /** Infinite while there is no answer. */
  keptUntilMs: number
}

/** Questions that many pages may ask at the same time, and that end when no page waits for the answer any more. */
export class SharedQuestions<T> {
  readonly #all = new Map<string, Entry<T>>()
  readonly #keptFor: KeptFor

  constructor(keptFor: KeptFor = (keptMs, tookMs) => Math.max(keptMs, Math.min(tookMs * PAUSE_PER_MS, PAUSE_MS_MAX))) {
    this.#keptFor = keptFor
  }

  /**
   * Returns the answer to a question, and asks if it is not known. An answer, or a failure, is kept for `keptMs`.
   *
   * @param signal without one, the caller waits until there is an answer
   * @throws the reason of the signal, once it is cancelled
   */
  async get(key: string, keptMs: number, ask: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted()
    const nowMs = performance.now()
    for (const [old, { keptUntilMs }] of this.#all) if (keptUntilMs < nowMs) this.#all.delete(old)
    const entry = this.#all.get(key) ?? this.#ask(key, keptMs, ask)
    entry.waiting += 1
    let cancel = (): void => {}
    try {
      if (signal === undefined) return await entry.answer
      return await Promise.race([
        entry.answer,
        new Promise<never>((_, reject) => {
          cancel = () => reject(signal.reason as Error)
          signal.addEventListener('abort', cancel, { once: true })
        }),
      ])
    } finally {
      signal?.removeEventListener('abort', cancel)
      entry.waiting -= 1
      if (entry.waiting === 0 && entry.keptUntilMs === Number.POSITIVE_INFINITY) this.#end(key, entry)
    }
  }

  #ask(key: string, keptMs: number, ask: (signal: AbortSignal) => Promise<T>): Entry<T> {
    const startedMs = performance.now()
    const controller = new AbortController()
    const entry: Entry<T> = {
      answer: ask(controller.signal),
      controller,
      waiting: 0,
      keptUntilMs: Number.POSITIVE_INFINITY,
    }
    const settle = (): void => {
      const endedMs = performance.now()
      entry.keptUntilMs = endedMs + this.#keptFor(keptMs, endedMs - startedMs)
    }
    entry.answer.then(settle, settle)
    this.#all.set(key, entry)
    for (const [oldest, { waiting }] of this.#all) {
      if (this.#all.size <= KEPT_MAX) break
      if (waiting === 0 && oldest !== key) this.#all.delete(oldest)
    }
    return entry
  }

  /** A page that asks later must not get the cancelled answer. */
  #end(key: string, entry: Entry<T>): void {
    entry.controller.abort()
    if (this.#all.get(key) === entry) this.#all.delete(key)
  }
}
