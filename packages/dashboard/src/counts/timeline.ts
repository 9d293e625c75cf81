import { LatencyHistogram } from './latency-histogram.ts'

/** How finely, and for how long, time is kept: the last quarter of an hour by the second, the last week by the minute. */
export const TIERS: readonly { readonly stepMs: number; readonly slots: number }[] = [
  { stepMs: 1_000, slots: 900 },
  { stepMs: 10_000, slots: 2_160 },
  { stepMs: 60_000, slots: 10_080 },
]

/** The most cells that one slot of time tells apart; what comes after is counted in the cells of the rest. */
export const CELLS_PER_SLOT_MAX = 128

/** What one cell counted. */
export interface Count {
  count: number
  latencyMsSum: number
  latencies: number
}

/** What was counted within some time, or in all. */
export class Tally {
  readonly cells = new Map<number, Count>()
  readonly latency = new LatencyHistogram()
  /** The revision in which it last changed. */
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
  // Lines come in the order of their time, nearly always: most of them belong where the one before did.
  lastNumber: number
  last: Tally | undefined
}

/** Counts by time, in three tiers; what is older than the last tier is in the total alone. */
export class Timeline {
  readonly total = new Tally()
  /** Slots that change carry it; whoever reads them raises it. */
  revision = 1
  #newest = Number.NEGATIVE_INFINITY
  readonly #spare: (cell: number) => number
  readonly #tiers: readonly Tier[] = TIERS.map(({ stepMs, slots }) => ({
    stepMs,
    slotsMax: slots,
    slots: new Map(),
    lastNumber: Number.NaN,
    last: undefined,
  }))

  /** `spare` gives the cell of the rest for a cell that finds no place. */
  constructor(spare: (cell: number) => number) {
    this.#spare = spare
  }

  /** The newest time that was counted. */
  get newest(): number {
    return this.#newest
  }

  /** Counts; says whether its time has a slot. */
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
      const hasPlace = slot.cells.size < CELLS_PER_SLOT_MAX || slot.cells.has(cell)
      slot.add(hasPlace ? cell : this.#spare(cell), latencyMs)
    }
    return kept
  }

  /** The finest step that still has all of the time from `from` on; the coarsest, where none has. */
  stepFor(from: number): number {
    for (const { stepMs, slotsMax } of this.#tiers) {
      if (from >= (Math.floor(this.#newest / stepMs) - slotsMax + 1) * stepMs) return stepMs
    }
    return TIERS.at(-1)?.stepMs ?? 60_000
  }

  /** The slots of a tier from `from` up to and without `to`, in no order. */
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
        for (let gone = before - tier.slotsMax; gone <= oldest; gone += 1) tier.slots.delete(gone)
      else for (const number of tier.slots.keys()) if (number <= oldest) tier.slots.delete(number)
      tier.lastNumber = Number.NaN
      tier.last = undefined
    }
    this.#newest = at
  }
}
