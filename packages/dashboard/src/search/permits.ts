/** The most searches at the same time: each keeps a processor busy. */
const RUNNING_MAX = 2
/** The most searches that wait. */
const WAITING_MAX = 8

/** Limits concurrent searches. */
export class Permits {
  #running = 0
  readonly #queue = new Set<() => void>()

  /**
   * Waits for a permit, and returns the function that releases it; undefined if too many searches wait.
   *
   * @throws the reason of the signal, if it is cancelled first
   */
  async acquire(signal: AbortSignal): Promise<(() => void) | undefined> {
    signal.throwIfAborted()
    if (this.#running >= RUNNING_MAX) {
      if (this.#queue.size >= WAITING_MAX) return undefined
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
