/** The bulkheads of an instance that holds permits. */
export const BULKHEADS = ['held', 'exact'] as const

/** How many calls use a permit of each shared bulkhead, in all processes that live. */
export class Holders {
  readonly #of = new Map<string, Map<object, number>>()
  readonly #most = new Map<string, number>()

  /** A process says how many of its calls use a permit. */
  set(bulkhead: string, process: object, holders: number): void {
    let all = this.#of.get(bulkhead)
    if (all === undefined) {
      all = new Map()
      this.#of.set(bulkhead, all)
    }
    all.set(process, holders)
    this.#most.set(bulkhead, Math.max(this.most(bulkhead), this.now(bulkhead)))
  }

  /** A process has ended, and its calls with it. */
  remove(process: object): void {
    for (const all of this.#of.values()) all.delete(process)
  }

  now(bulkhead: string): number {
    return [...(this.#of.get(bulkhead)?.values() ?? [])].reduce((sum, holders) => sum + holders, 0)
  }

  /** The most at once since {@link forget}. */
  most(bulkhead: string): number {
    return this.#most.get(bulkhead) ?? 0
  }

  /** How many calls of a process use a permit. */
  of(process: object): number {
    return [...this.#of.values()].reduce((sum, all) => sum + (all.get(process) ?? 0), 0)
  }

  /** The most calls above the limit since {@link forget}, of all bulkheads together. */
  above(limit: number): number {
    return [...this.#most.values()].reduce((sum, most) => sum + Math.max(0, most - limit), 0)
  }

  forget(): void {
    for (const bulkhead of this.#of.keys()) this.#most.set(bulkhead, this.now(bulkhead))
  }
}
