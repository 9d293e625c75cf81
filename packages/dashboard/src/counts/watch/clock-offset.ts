/** A line further ahead of the reader's clock is ahead. */
export const AHEAD_MS_MIN = 5_000
/** A larger offset is a wrong date, not a wrong clock. Time zones differ by up to 26 hours. */
const OFFSET_MS_MAX = 26 * 3_600_000
const SAMPLES = 16
/** Lines of a clock with a constant offset are this close to each other, whatever their delay. */
const SPREAD_MS_MAX = 60_000
const AHEAD_SAMPLES_MIN = 3
/** A slow clock looks like an old file, so it needs lines that arrived one after the other. */
const BEHIND_ARRIVALS_MIN = 4
const BEHIND_SPAN_MS_MIN = 2_000
const BEHIND_SPREAD_MS_MAX = 2_000

/** What was recorded, to be written into a file. */
export interface ClockOffsetState {
  readonly offsets: Float64Array
  readonly arrivals: Float64Array
  readonly count: number
}

/**
 * Finds out whether the clock of a service is constantly ahead of or behind the reader's clock.
 *
 * A single line with a wrong date changes nothing.
 */
export class ClockOffset {
  readonly #offsets = new Float64Array(SAMPLES)
  readonly #arrivals = new Float64Array(SAMPLES)
  #count = 0
  #known: number | undefined
  /** The arrival that `#known` is for. */
  #knownForMs = Number.NaN

  /** All that was recorded. */
  get state(): ClockOffsetState {
    return { offsets: this.#offsets, arrivals: this.#arrivals, count: this.#count }
  }

  /** Takes what a {@link state} recorded. */
  restore({ offsets, arrivals, count }: ClockOffsetState): void {
    this.#offsets.set(offsets)
    this.#arrivals.set(arrivals)
    this.#count = count
  }

  /** Records a new line: its time and when it was read. */
  add(at: number, arrivedMs: number): void {
    const newest = (this.#count + SAMPLES - 1) % SAMPLES
    const offset = at - arrivedMs
    // Lines that were read together are one sample each only if they are ahead: the newest of them tells the delay.
    if (this.#count > 0 && this.#arrivals[newest] === arrivedMs && offset <= AHEAD_MS_MIN) {
      const before = this.#offsets[newest] ?? 0
      if (before <= AHEAD_MS_MIN) {
        if (offset > before) this.#offsets[newest] = offset
        return
      }
    }
    const index = this.#count % SAMPLES
    this.#offsets[index] = offset
    this.#arrivals[index] = arrivedMs
    this.#count += 1
  }

  /** The offset in milliseconds, positive when the clock of the service is ahead; 0 when none is certain. */
  get ms(): number {
    const kept = Math.min(this.#count, SAMPLES)
    if (kept < AHEAD_SAMPLES_MIN) return 0
    const offsets = this.#offsets.slice(0, kept)
    const median = offsets.toSorted()[kept >>> 1] ?? 0
    if (Math.abs(median) <= AHEAD_MS_MIN || Math.abs(median) > OFFSET_MS_MAX) return 0
    const near = offsets.filter((offset) => Math.abs(offset - median) <= SPREAD_MS_MAX)
    if (near.length * 4 < kept * 3) return 0
    // A line is read some time after it was written, so the largest offset is the closest to the truth.
    return median > 0 || this.#isSteady(near, kept) ? Math.round(Math.max(...near)) : 0
  }

  /**
   * Returns the offset, 0 for a right clock; undefined as long as neither is certain.
   *
   * It is made from the lines before those that are read at a time, once for all of them. Call it before {@link add}.
   */
  knownMs(arrivedMs: number): number | undefined {
    if (arrivedMs !== this.#knownForMs) {
      this.#knownForMs = arrivedMs
      const { ms } = this
      this.#known = ms !== 0 || this.isRight ? ms : undefined
    }
    return this.#known
  }

  /** When the newest line was read. */
  get newestArrivalMs(): number {
    return this.#count === 0 ? Number.NEGATIVE_INFINITY : (this.#arrivals[(this.#count - 1) % SAMPLES] ?? 0)
  }

  /** Whether its lines are about as old as it takes to read them. Those of an old file tell nothing. */
  get isRight(): boolean {
    const kept = Math.min(this.#count, SAMPLES)
    return kept > 0 && Math.abs(this.#offsets.slice(0, kept).toSorted()[kept >>> 1] ?? 0) <= AHEAD_MS_MIN
  }

  #isSteady(near: Float64Array, kept: number): boolean {
    const arrivals = this.#arrivals.slice(0, kept)
    const span = Math.max(...arrivals) - Math.min(...arrivals)
    const isNarrow = Math.max(...near) - Math.min(...near) <= BEHIND_SPREAD_MS_MAX
    return isNarrow && kept >= BEHIND_ARRIVALS_MIN && span >= BEHIND_SPAN_MS_MIN
  }
}
