import type { Window } from '../../../shared/state/window.ts'
import type { SavedCounts, TripRule } from './trip-rule.ts'

/** The settings that all rules of one trip share. */
export interface RateSettings {
  readonly reason: string
  /** A share, above 0 and at most 1. */
  readonly threshold: number
  readonly minimumCalls: number
  /** Counts the calls that take longer than this; undefined: counts the failures. */
  readonly slowerThanMs: number | undefined
  readonly makeWindow: () => Window
  /** Describes the window. Windows with the same text can take over each other's calls. */
  readonly windowText: string
}

/** Trips when the share of failed or slow calls in a window reaches the threshold. */
export class RateRule implements TripRule {
  readonly #settings: RateSettings
  #window: Window

  constructor(settings: RateSettings) {
    this.#settings = settings
    this.#window = settings.makeWindow()
  }

  record(failed: boolean, durationMs: number, now: number, countedSlowMs = -1): string | undefined {
    const { slowerThanMs } = this.#settings
    if (slowerThanMs === undefined) return this.#count(failed, now)
    return countedSlowMs >= slowerThanMs ? undefined : this.#count(durationMs > slowerThanMs, now)
  }

  recordSlow(limitMs: number, now: number): string | undefined {
    return limitMs === this.#settings.slowerThanMs ? this.#count(true, now) : undefined
  }

  #count(hit: boolean, now: number): string | undefined {
    const settings = this.#settings
    const window = this.#window
    window.record(hit, now)
    const { hits } = window
    // Fast path of a healthy dependency: without hits the share is 0, and the threshold is above 0.
    if (hits === 0) return undefined
    const { calls } = window
    // Division, not multiplication, because of binary rounding: 7 / 25 equals 0.28, but 0.28 * 25 is above 7.
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

  continueFrom(previous: TripRule): boolean {
    if (!(previous instanceof RateRule)) return false
    const { windowText, slowerThanMs } = this.#settings
    const old = previous.#settings
    if (windowText !== old.windowText || slowerThanMs !== old.slowerThanMs) return false
    this.#window = previous.#window
    return true
  }

  save(): SavedCounts | undefined {
    const outcomes = this.#window.outcomes?.()
    return outcomes ? { outcomes } : undefined
  }

  restore(saved: SavedCounts): void {
    const window = this.#window
    if (!('outcomes' in saved) || window.outcomes === undefined) return
    for (const outcome of saved.outcomes) window.record(outcome === '1', 0)
  }
}
