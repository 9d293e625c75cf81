const STEPS = [
  { stepMs: 10_000, slotsMax: 2_160 },
  { stepMs: 60_000, slotsMax: 10_080 },
] as const

interface Tier {
  readonly stepMs: number
  readonly slotsMax: number
  /** Refusals by the number of the slot. */
  readonly slots: Map<number, number>
}

/** What was counted, to be written into a file. */
export interface RefusalsState {
  readonly newest: number
  readonly retryAt: number | undefined
  readonly slots: readonly ReadonlyMap<number, number>[]
}

/** Counts the calls that a breaker refused: by ten seconds for six hours, by minute for a week. */
export class Refusals {
  readonly #tiers: readonly Tier[] = STEPS.map((step) => ({ ...step, slots: new Map<number, number>() }))
  #newest = Number.NEGATIVE_INFINITY
  /** When the latest refusal said that the breaker tries a call again; undefined if it did not say. */
  retryAt: number | undefined

  /** All that was counted. */
  get state(): RefusalsState {
    return { newest: this.#newest, retryAt: this.retryAt, slots: this.#tiers.map(({ slots }) => slots) }
  }

  /** Takes the counts of a {@link state}. */
  restore({ newest, retryAt, slots }: RefusalsState): void {
    this.#newest = newest
    this.retryAt = retryAt
    for (const [index, tier] of this.#tiers.entries())
      for (const [slot, count] of slots[index] ?? []) tier.slots.set(slot, count)
  }

  /** Counts refusals at a time. `retryMs` is how long callers were told to wait. */
  add(at: number, count: number, retryMs?: number): void {
    if (at >= this.#newest) {
      this.#newest = at
      if (retryMs !== undefined) this.retryAt = at + retryMs
    }
    for (const { stepMs, slotsMax, slots } of this.#tiers) {
      const slot = Math.floor(at / stepMs)
      if (slot <= Math.floor(this.#newest / stepMs) - slotsMax) continue
      slots.set(slot, (slots.get(slot) ?? 0) + count)
      if (slots.size > slotsMax) slots.delete(Math.min(...slots.keys()))
    }
  }

  /** The refusals from `from` to before `to`, rounded outwards to whole slots. */
  between(from: number, to: number): number {
    const tier = this.#tiers.find(
      ({ stepMs, slotsMax }) => Math.floor(from / stepMs) > Math.floor(this.#newest / stepMs) - slotsMax,
    )
    const { stepMs, slots } = tier ?? (this.#tiers.at(-1) as Tier)
    let sum = 0
    for (const [slot, count] of slots) if ((slot + 1) * stepMs > from && slot * stepMs < to) sum += count
    return sum
  }
}
