/** The most searches at the same time: each keeps a processor busy. */
const RUNNING_MAX = 2
/** The most searches that wait. */
const WAITING_MAX = 8

/** Limits concurrent searches, or queries of an engine. */
export class Permits {
  readonly #runningMax: number
  readonly #waitingMax: number
  #running = 0
  readonly #queue = new Set<() => void>()

  constructor(runningMax: number = RUNNING_MAX, waitingMax: number = WAITING_MAX) {
    this.#runningMax = runningMax
    this.#waitingMax = waitingMax
  }

  /**
   * Waits for a permit, and returns the function that releases it; undefined if too many searches wait.
   *
   * @throws the reason of the signal, if it is cancelled first
   */
  async acquire(signal: AbortSignal): Promise<(() => void) | undefined> {
    signal.throwIfAborted()
    if (this.#running >= this.#runningMax) {
      if (this.#queue.size >= this.#waitingMax) return undefined
      await this.#turn(signal)
    } else this.#running += 1
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const [next] = this.#queue
      if (next === undefined) this.#running -= 1
      else next()
    }
  }

  /** Fulfils when another search passes its permit on. */
  async #turn(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const start = (): void => {
        this.#queue.delete(start)
        signal.removeEventListener('abort', cancel)
        resolve()
      }
      const cancel = (): void => {
        this.#queue.delete(start)
        reject(signal.reason as Error)
      }
      this.#queue.add(start)
      signal.addEventListener('abort', cancel, { once: true })
    })
  }
}
