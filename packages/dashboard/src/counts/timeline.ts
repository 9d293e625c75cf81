import { LatencyHistogram } from './latency-histogram.ts'

/** The resolution by age: 1 s for the last 15 minutes, 10 s for 6 hours, 1 minute for 7 days. */
export const TIERS: readonly { readonly stepMs: number; readonly slots: number }[] = [
  { stepMs: 1_000, slots: 900 },
  { stepMs: 10_000, slots: 2_160 },
  { stepMs: 60_000, slots: 10_080 },
]

/** The most distinct cells in one slot of time. Further ones are counted in overflow cells. */
export const CELLS_PER_SLOT_MAX = 128

/** The counts of one cell. */
export interface Count {
  count: number
  latencyMsSum: number
  latencies: number
}

/** The counts of one slot of time, of a range, or of everything. */
export class Tally {
  readonly cells = new Map<number, Count>()
  readonly latency = new LatencyHistogram()
  /** The revision of its last change. */
  revision = 0

  add(cell: number, latencyMs: number | undefined): void {
    let count = this.cells.get(cell)
    if (count === undefined) {
      count = { count: 0, latencyMsSum: 0, latencies: 0 }
      this.cells.set(cell, count)
    }
    count.count += 1
    if (latencyMs === undefined) return
    count.latencyMsSum += latencyMs
    count.latencies += 1
    this.latency.add(latencyMs)
  }

  merge(other: Tally): void {
    this.latency.merge(other.latency)
    for (const [cell, from] of other.cells) {
      const into = this.cells.get(cell)
      if (into === undefined) this.cells.set(cell, { ...from })
      else {
        into.count += from.count
        into.latencyMsSum += from.latencyMsSum
        into.latencies += from.latencies
      }
    }
  }
}

interface Tier {
  readonly stepMs: number
  readonly slotsMax: number
  readonly slots: Map<number, Tally>
  // Lines nearly always arrive in order of time, so most fall into the slot of the previous line.
  lastNumber: number
  last: Tally | undefined
}

/** Counts by time in three tiers. Anything older than the last tier is only in the total. */
export class Timeline {
  readonly total = new Tally()
  /** Written into each slot that changes. The reader of the slots raises it. */
  revision = 1
  #newest = Number.NEGATIVE_INFINITY
  readonly #overflow: (cell: number) => number
  readonly #tiers: readonly Tier[] = TIERS.map(({ stepMs, slots }) => ({
    stepMs,
    slotsMax: slots,
    slots: new Map(),
    lastNumber: Number.NaN,
    last: undefined,
  }))

  /** `overflow` returns the cell to count in when a slot is full. */
  constructor(overflow: (cell: number) => number) {
    this.#overflow = overflow
  }

  /** The latest time counted so far. */
  get newest(): number {
    return this.#newest
  }

  /** Counts one line. Returns whether its time has a slot. */
  add(at: number | undefined, cell: number, latencyMs: number | undefined): boolean {
    this.total.add(cell, latencyMs)
    if (at === undefined) return false
    if (at > this.#newest) this.#advance(at)
    let kept = false
    for (const tier of this.#tiers) {
      const slot = this.#slot(tier, Math.floor(at / tier.stepMs))
      if (slot === undefined) continue
      kept = true
      slot.revision = this.revision
      const hasRoom = slot.cells.size < CELLS_PER_SLOT_MAX || slot.cells.has(cell)
      slot.add(hasRoom ? cell : this.#overflow(cell), latencyMs)
    }
    return kept
  }

  /** Returns the finest step that still covers all time since `from`, else the coarsest. */
  stepFor(from: number): number {
    for (const { stepMs, slotsMax } of this.#tiers) {
      if (from >= (Math.floor(this.#newest / stepMs) - slotsMax + 1) * stepMs) return stepMs
    }
    return TIERS.at(-1)?.stepMs ?? 60_000
  }

  /**
   * Yields the slots of a tier from `from` to before `to`, in no particular order.
   *
   * @throws RangeError when no tier has this step
   */
  *between(stepMs: number, from: number, to: number): Generator<readonly [at: number, slot: Tally]> {
    const tier = this.#tiers.find((one) => one.stepMs === stepMs)
    if (tier === undefined) throw new RangeError(`no tier of ${stepMs} ms`)
    const first = Math.floor(from / stepMs)
    const end = Math.ceil(to / stepMs)
    if (end - first < tier.slots.size) {
      for (let number = first; number < end; number += 1) {
        const slot = tier.slots.get(number)
        if (slot !== undefined) yield [number * stepMs, slot]
      }
    } else {
      for (const [number, slot] of tier.slots) if (number >= first && number < end) yield [number * stepMs, slot]
    }
  }

  #slot(tier: Tier, number: number): Tally | undefined {
    if (number === tier.lastNumber) return tier.last
    if (number <= Math.floor(this.#newest / tier.stepMs) - tier.slotsMax) return undefined
    let slot = tier.slots.get(number)
    if (slot === undefined) {
      slot = new Tally()
      tier.slots.set(number, slot)
    }
    tier.lastNumber = number
    tier.last = slot
    return slot
  }

  #advance(at: number): void {
    for (const tier of this.#tiers) {
      const before = Math.floor(this.#newest / tier.stepMs)
      const now = Math.floor(at / tier.stepMs)
      if (now === before) continue
      const oldest = now - tier.slotsMax
      if (now - before < tier.slotsMax)
        for (let expired = before - tier.slotsMax; expired <= oldest; expired += 1) tier.slots.delete(expired)
      else for (const number of tier.slots.keys()) if (number <= oldest) tier.slots.delete(number)
      tier.lastNumber = Number.NaN
      tier.last = undefined
    }
    this.#newest = at
  }
}
