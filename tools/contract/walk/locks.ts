/** Mutual exclusion by name, first come first served. */
export class Locks<Name extends string> {
  readonly #tails = new Map<Name, Promise<void>>()

  /**
   * Runs `body` while it holds all of the names.
   *
   * Do not nest calls: two that nest in opposite orders would deadlock.
   */
  async holding<T>(names: readonly Name[], body: () => Promise<T>): Promise<T> {
    const releases: (() => void)[] = []
    try {
      // Always acquired in the same order, to prevent a deadlock.
      for (const name of [...new Set(names)].sort()) releases.push(await this.#acquire(name))
      return await body()
    } finally {
      for (const release of releases) release()
    }
  }

  async #acquire(name: Name): Promise<() => void> {
    const before = this.#tails.get(name)
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    this.#tails.set(name, held)
    await before
    return release
  }
}
