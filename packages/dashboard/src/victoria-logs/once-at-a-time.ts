import { SharedQuestions } from './shared-questions.ts'

/** However long an answer took, it is kept for this time longer. */
const KEPT_MS_MAX = 5_000

/** Remembers the answers to questions for a moment, so that what is asked at the same time is asked once. */
export class OnceAtATime<T> {
  readonly #keptMs: number
  readonly #questions = new SharedQuestions<T>((keptMs, tookMs) => keptMs + Math.min(2 * tookMs, KEPT_MS_MAX))

  /** Answers are kept for `keptMs` after they came, and for twice as long as they took: costly ones are asked less often. */
  constructor(keptMs: number) {
    this.#keptMs = keptMs
  }

  /** Returns the answer to a question, and asks if it is not known. */
  async get(key: string, ask: () => Promise<T>): Promise<T> {
    return await this.#questions.get(key, this.#keptMs, ask)
  }
}
