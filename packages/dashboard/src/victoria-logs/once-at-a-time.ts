/** Remembers the answers to questions for a moment, so that what is asked at the same time is asked once. */
export class OnceAtATime<T> {
  readonly #keptMs: number
  readonly #all = new Map<string, { readonly answer: Promise<T>; endedMs: number }>()

  /** Answers are kept for `keptMs` after they came. */
  constructor(keptMs: number) {
    this.#keptMs = keptMs
  }

  /** Returns the answer to a question, and asks if it is not known. */
  async get(key: string, ask: () => Promise<T>): Promise<T> {
    const nowMs = performance.now()
    for (const [old, { endedMs }] of this.#all) if (endedMs + this.#keptMs < nowMs) this.#all.delete(old)
    const known = this.#all.get(key)
    if (known !== undefined) return await known.answer
    const entry = { answer: ask(), endedMs: Number.POSITIVE_INFINITY }
    this.#all.set(key, entry)
    try {
      return await entry.answer
    } finally {
      entry.endedMs = performance.now()
    }
  }
}
