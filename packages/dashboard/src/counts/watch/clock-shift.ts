import { AHEAD_MS_MIN, type ClockOffset } from './clock-offset.ts'

/** A smaller change of the offset is jitter. */
const CHANGE_MS_MIN = 2_000
/** While the lines of a file are read at once, the offset grows with each of them. It is followed in steps up to this. */
const READING_STEP_MS_MAX = 300_000
const READING_STEP_SHARE = 0.1
/** Once an offset was right for this long, what was counted with it is right too. */
const SETTLED_AFTER_MS = 2_000

/** What was counted from a time on must move by this much. */
export interface Move {
  readonly fromMs: number
  readonly byMs: number
}

/** A shift, to be written into a file. */
export interface ClockShiftState {
  readonly ms: number
  readonly agreedSince: number | undefined
  readonly isSettled: boolean
}

/** Shifts the times of a service whose clock is wrong to the reader's clock, for what is shown. */
export class ClockShift {
  #ms = 0
  #agreedSince: number | undefined
  #isSettled = false

  /** How far its shown times are before those in its lines. */
  get ms(): number {
    return this.#ms
  }

  /** The whole shift. */
  get state(): ClockShiftState {
    return { ms: this.#ms, agreedSince: this.#agreedSince, isSettled: this.#isSettled }
  }

  /** Takes the shift of a {@link state}. */
  restore({ ms, agreedSince, isSettled }: ClockShiftState): void {
    this.#ms = ms
    this.#agreedSince = agreedSince
    this.#isSettled = isSettled
  }

  /** Returns the time at which a line is shown. */
  shown(at: number, arrivedMs: number, isLive: boolean): number {
    if (this.#ms === 0) return at
    // A new line that fits the reader's clock better than the shift: the clock was set in the meantime.
    const isSet = isLive && this.#isSettled && Math.abs(at - arrivedMs) < Math.abs(this.#ms) / 2
    return isSet ? at : at - this.#ms
  }

  /**
   * Follows the offset of a clock. Returns what must move because of it.
   *
   * The lines of a file that are read at once look like those of a right clock until its end. So a first offset applies to
   * all of them. Later, a clock that changed makes only those wrong that are ahead.
   *
   * @param isReading whether further lines of the same bytes follow
   */
  settle(clock: ClockOffset, nowMs: number, isReading: boolean): Move | undefined {
    const target = clock.ms
    const byMs = this.#ms - target
    const stepMs = isReading ? Math.min(Math.abs(target) * READING_STEP_SHARE, READING_STEP_MS_MAX) : 0
    if (Math.abs(byMs) > Math.max(CHANGE_MS_MIN, stepMs)) {
      const fromMs = this.#isSettled ? nowMs + AHEAD_MS_MIN : Number.NEGATIVE_INFINITY
      this.#ms = target
      this.#agreedSince = undefined
      return { fromMs, byMs }
    }
    if (isReading) return undefined
    const { newestArrivalMs } = clock
    if (target === 0 && !clock.isRight) this.#agreedSince = undefined
    else this.#agreedSince ??= newestArrivalMs
    if (newestArrivalMs - (this.#agreedSince ?? newestArrivalMs) >= SETTLED_AFTER_MS) this.#isSettled = true
    return undefined
  }
}
