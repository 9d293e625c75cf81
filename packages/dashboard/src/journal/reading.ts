/** The reading that is under way. It can be paused, so that what was read stays as it is for a while. */
export class Reading {
  readonly #running = new Set<Promise<unknown>>()
  #paused: Promise<void> | undefined

  /** Reads something, after a pause if there is one. */
  async run<T>(read: () => Promise<T>): Promise<T> {
    while (this.#paused !== undefined) await this.#paused
    const running = read()
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  /** Lets what is being read end. Nothing more is read until the returned function is called. */
  async pause(): Promise<() => void> {
    while (this.#paused !== undefined) await this.#paused
    let end: () => void = () => {}
    const paused = new Promise<void>((resolve) => {
      end = resolve
    })
    this.#paused = paused
    await Promise.allSettled(this.#running)
    return () => {
      // A second call must not end a later pause.
      if (this.#paused === paused) this.#paused = undefined
      end()
    }
  }

  /** Fulfils once nothing is being read, and no pause is left. */
  async ended(): Promise<void> {
    while (this.#paused !== undefined) await this.#paused
    await Promise.allSettled(this.#running)
  }
}
