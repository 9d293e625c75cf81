import type { Window } from '../../../shared/state/window.ts'
import type { TripRule } from './trip-rule.ts'

/** What all rules of one rate share. */
export interface RateSettings {
  readonly reason: string
  readonly threshold: number
  readonly minimumCalls: number
  /** Calls that take longer are counted; undefined: failures are. */
  readonly slowerThanMs: number | undefined
  readonly makeWindow: () => Window
}

/** Trips at or above a share of failed, or of slow, calls in a sliding window. */
export class RateRule implements TripRule {
  readonly #settings: RateSettings
  readonly #window: Window

  constructor(settings: RateSettings) {
    this.#settings = settings
    this.#window = settings.makeWindow()
  }

  record(failed: boolean, durationMs: number, now: number): string | undefined {
    const settings = this.#settings
    const window = this.#window
    const { slowerThanMs } = settings
    window.record(slowerThanMs === undefined ? failed : durationMs > slowerThanMs, now)
    const { hits } = window
    // Every threshold is above 0: the way of a healthy dependency ends here.
    if (hits === 0) return undefined
    const { calls } = window
    // Divided, not multiplied: 3 / 30 is the same number as 0.1, and 0.1 * 30 is not 3.
    return calls >= settings.minimumCalls && hits / calls >= settings.threshold ? settings.reason : undefined
  }

  failures(now: number): number {
    this.#window.advance(now)
    return this.#window.hits
  }

  calls(now: number): number {
    this.#window.advance(now)
    return this.#window.calls
  }

  clear(): void {
    this.#window.clear()
  }
}
