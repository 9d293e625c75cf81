import { LatencyHistogram } from './latency-histogram.ts'
import type { PackedReader, PackedWriter } from './packed.ts'
import { type RecentCell, RecentCells } from './recent-cells.ts'
import { addRowTo, addTo, type Count, Tally } from './tally.ts'
import { emptyTiers, forgetLast, TIERS, type Tier, type Times } from './tiers.ts'
import { AHEAD_MS_MIN } from './watch/clock-offset.ts'

export { Tally } from './tally.ts'
export { movedTimes, TIERS, type Times, timesOf } from './tiers.ts'

/** The most distinct cells in one slot of time. Further ones are counted in overflow cells. */
export const CELLS_PER_SLOT_MAX = 512

/** From this many cells on, a slot of time counts the routes of a service together. */
const ROUTED_CELLS_PER_SLOT_MAX = 384

/** Thrown when the counts have more bytes than may be stored. */
class TooLargeError extends Error {
  override readonly name = 'TooLargeError'
}

/** Counts by time in three tiers. Anything older than the last tier is only in the total. */
export class Timeline {
  readonly total = new Tally()
  #revision = 1
  readonly #recent = new RecentCells()
  #newest = Number.NEGATIVE_INFINITY
  #furthest = Number.NEGATIVE_INFINITY
  #oldest = Number.POSITIVE_INFINITY
  readonly #overflow: (cell: number) => number
  readonly #withoutRoute: (cell: number) => number
  readonly #tiers: readonly Tier[] = emptyTiers()
  // A line that is no row.
  readonly #at = new Float64Array(1)
  readonly #latency = new Float64Array(1)

  /** `overflow` returns the cell to count in when a slot is full, `withoutRoute` the one when it has many routes. */
  constructor(overflow: (cell: number) => number, withoutRoute: (cell: number) => number = (cell) => cell) {
    this.#overflow = overflow
    this.#withoutRoute = withoutRoute
  }

  /** Written into each slot that changes. The reader of the slots raises it. */
  get revision(): number {
    return this.#revision
  }

  set revision(revision: number) {
    this.#revision = revision
    this.#recent.forget()
  }

  /** The latest time counted so far that was not ahead of the clock. */
  get newest(): number {
    return this.#newest
  }

  /** The earliest time counted so far. */
  get oldest(): number {
    return this.#oldest
  }

  /**
   * Counts one line. Returns whether its time has a slot.
   *
   * A line ahead of `clockMs` is counted at its time. It removes no older slot: a wrong date must not erase what is known.
   */
  add(
    at: number | undefined,
    cell: number,
    latencyMs: number | undefined,
    clockMs: number = Number.POSITIVE_INFINITY,
  ): boolean {
    const bucket = latencyMs === undefined ? 0 : LatencyHistogram.bucketOf(latencyMs)
    if (at === undefined) {
      addTo(this.total.countOf(cell), latencyMs, bucket)
      return false
    }
    this.#at[0] = at
    this.#latency[0] = latencyMs ?? Number.NaN
    return this.addRow(this.#at, this.#latency, 0, cell, bucket, clockMs)
  }

  /**
   * Counts the line of a row, as {@link add} does. Its time and its latency, NaN for none, are in columns: as arguments
   * they would be made into objects. `bucket` is the one of its latency.
   */
  addRow(
    ats: Float64Array,
    latencies: Float64Array,
    row: number,
    cell: number,
    bucket: number,
    clockMs: number,
  ): boolean {
    const at = ats[row] ?? 0
    if (at > this.#furthest) this.#furthest = at
    if (at < this.#oldest) this.#oldest = at
    if (at > this.#newest && at <= clockMs + AHEAD_MS_MIN) this.#advance(at)
    // Lines nearly always arrive in order of time, so most are counted where the ones before them were.
    const { counts, isKept } = this.#recent.find(at, cell) ?? this.#look(at, cell)
    for (const count of counts) addRowTo(count, latencies, row, bucket)
    return isKept
  }

  /** Looks up where a cell is counted at a time, and remembers it. */
  #look(at: number, cell: number): RecentCell {
    const counts: Count[] = [this.total.countOf(cell)]
    // The widest range of times that have the same slots.
    let from = Number.NEGATIVE_INFINITY
    let to = Number.POSITIVE_INFINITY
    for (const tier of this.#tiers) {
      const number = Math.floor(at / tier.stepMs)
      const slot = this.#slot(tier, number)
      from = Math.max(from, number * tier.stepMs)
      to = Math.min(to, (number + 1) * tier.stepMs)
      if (slot === undefined) continue
      counts.push(this.#countOf(slot, cell))
      slot.revision = this.#revision
    }
    return this.#recent.add(from, to, { cell, counts, isKept: counts.length > 1 })
  }

  #countOf(slot: Tally, cell: number): Count {
    const hasRoom = slot.cells.size < ROUTED_CELLS_PER_SLOT_MAX || slot.cells.has(cell)
    return slot.countOf(hasRoom ? cell : this.#folded(slot, cell))
  }

  /** Counts a request that was counted before a second time, apart. */
  addApart(kind: 'hops' | 'probes', times: Times, cell: number, latencyMs: number | undefined): void {
    const bucket = latencyMs === undefined ? 0 : LatencyHistogram.bucketOf(latencyMs)
    this.total.addApart(kind, cell, latencyMs, bucket)
    let index = 0
    for (const tier of this.#tiers) {
      const slot = this.#slot(tier, Math.floor((times[index++] ?? 0) / tier.stepMs))
      if (slot === undefined) continue
      slot.revision = this.#revision
      slot.addApart(kind, slot.cells.has(cell) ? cell : this.#folded(slot, cell), latencyMs, bucket)
    }
  }

  /** Takes back one count without a latency. */
  take(times: Times, cell: number): void {
    this.total.take(cell)
    this.#recent.forget()
    for (const [index, tier] of this.#tiers.entries()) {
      const slot = this.#slot(tier, Math.floor((times[index] ?? 0) / tier.stepMs))
      if (slot !== undefined) slot.take(slot.cells.has(cell) ? cell : this.#folded(slot, cell))
    }
  }

  #folded(slot: Tally, cell: number): number {
    const folded = this.#withoutRoute(cell)
    return slot.cells.size < CELLS_PER_SLOT_MAX || slot.cells.has(folded) ? folded : this.#overflow(cell)
  }

  /** Returns the finest step that still covers all time from `from` to `to`, else the coarsest. */
  stepFor(from: number, to: number = from): number {
    const end = Math.min(to, this.#furthest)
    for (const { stepMs, slotsMax } of this.#tiers) {
      const newest = Math.floor(this.#newest / stepMs)
      const isEndCovered = newest < 0 || end < (newest + slotsMax) * stepMs
      if (from >= (newest - slotsMax + 1) * stepMs && isEndCovered) return stepMs
    }
    return TIERS.at(-1)?.stepMs ?? 60_000
  }

  /** Returns the widest step that divides a column and covers all time from `from` to `to`, else {@link stepFor}. */
  stepWithin(from: number, to: number, columnMs: number): number {
    const finest = this.stepFor(from, to)
    return TIERS.findLast(({ stepMs }) => stepMs >= finest && columnMs % stepMs === 0)?.stepMs ?? finest
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

  /**
   * Moves what was counted in some cells from `fromMs` on to other times.
   *
   * @param clockMs the reader's clock
   */
  move(isMoved: (cell: number) => boolean, fromMs: number, byMs: number, clockMs: number): void {
    const moves: { readonly tier: Tier; readonly number: number; readonly moved: Tally }[] = []
    let newest = this.#newest
    this.#recent.forget()
    for (const tier of this.#tiers) {
      const steps = Math.round(byMs / tier.stepMs)
      if (steps === 0) continue
      for (const [number, slot] of tier.slots) {
        const moved = number * tier.stepMs < fromMs ? undefined : slot.extract(isMoved)
        if (moved === undefined) continue
        slot.revision = this.#revision
        // A slot that is not shown yet needs no place. One that is shown is kept, so that its reader sees the change.
        if (slot.cells.size === 0 && number * tier.stepMs > clockMs) this.#delete(tier, number)
        moves.push({ tier, number: number + steps, moved })
        const at = (number + steps) * tier.stepMs
        if (at > newest && at <= clockMs + AHEAD_MS_MIN) newest = at
      }
    }
    if (newest > this.#newest) this.#advance(newest)
    for (const { tier, number, moved } of moves) {
      const into = this.#slot(tier, number)
      if (into === undefined) continue
      into.merge(moved)
      into.revision = this.#revision
    }
  }

  /**
   * Packs all counts. Yields whenever `into` is full.
   *
   * @throws TooLargeError if they have more than `bytesMax`
   */
  *pack(into: PackedWriter, bytesMax: number): Generator<void> {
    const end = into.total + bytesMax
    for (const time of [this.#newest, this.#furthest, this.#oldest]) into.number(time)
    yield* this.total.pack(into)
    for (const { slots } of this.#tiers) {
      into.integer(slots.size)
      for (const [number, slot] of slots) {
        into.number(number)
        yield* slot.pack(into)
        if (into.total > end) throw new TooLargeError(`more than ${bytesMax} bytes`)
      }
    }
  }

  /** Takes the counts that {@link pack} packed. Nothing may have been counted before. */
  restore(from: PackedReader): void {
    this.#newest = from.number()
    this.#furthest = from.number()
    this.#oldest = from.number()
    this.total.unpack(from)
    for (const { slots } of this.#tiers)
      for (let left = from.integer(); left > 0; left -= 1) {
        const slot = new Tally()
        slots.set(from.number(), slot)
        slot.unpack(from)
        slot.revision = this.#revision
      }
  }

  #delete(tier: Tier, number: number): void {
    tier.slots.delete(number)
    forgetLast(tier)
    this.#recent.forget()
  }

  #slot(tier: Tier, number: number): Tally | undefined {
    if (number === tier.lastNumber) return tier.last
    const newest = Math.floor(this.#newest / tier.stepMs)
    if (number <= newest - tier.slotsMax) return undefined
    // Times ahead of the clock must not give the tier more slots than its bound.
    if (number >= newest + tier.slotsMax && (newest > 0 || tier.slots.size >= tier.slotsMax)) return undefined
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
      forgetLast(tier)
      this.#recent.forget()
    }
    this.#newest = at
  }
}
