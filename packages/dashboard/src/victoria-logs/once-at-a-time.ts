/** However long an answer took, it is asked for again after this time. */
const KEPT_MS_MAX = 5_000

/** Remembers the answers to questions for a moment, so that what is asked at the same time is asked once. */
export class OnceAtATime<T> {
  readonly #keptMs: number
  readonly #all = new Map<string, { readonly answer: Promise<T>; keptUntilMs: number }>()

  /** Answers are kept for `keptMs` after they came, and for twice as long as they took: costly ones are asked less often. */
  constructor(keptMs: number) {
    this.#keptMs = keptMs
  }

  /** Returns the answer to a question, and asks if it is not known. */
  async get(key: string, ask: () => Promise<T>): Promise<T> {
    const nowMs = performance.now()
    for (const [old, { keptUntilMs }] of this.#all) if (keptUntilMs < nowMs) this.#all.delete(old)
    const known = this.#all.get(key)
    if (known !== undefined) return await known.answer
    const entry = { answer: ask(), keptUntilMs: Number.POSITIVE_INFINITY }
    this.#all.set(key, entry)
    try {
      return await entry.answer
    } finally {
      const endedMs = performance.now()
      entry.keptUntilMs = endedMs + this.#keptMs + Math.min(2 * (endedMs - nowMs), KEPT_MS_MAX)
    }
  }
}
