import type { SavedCounts, TripRule } from './trip-rule.ts'

/** The settings that all rules of one trip share. */
export interface ConsecutiveSettings {
  readonly threshold: number
  readonly reason: string
}

/** Trips at `threshold` failures in a row. */
export class ConsecutiveRule implements TripRule {
  readonly #settings: ConsecutiveSettings
  #failures = 0
  #calls = 0

  constructor(settings: ConsecutiveSettings) {
    this.#settings = settings
  }

  record(failed: boolean): string | undefined {
    this.#calls += 1
    this.#failures = failed ? this.#failures + 1 : 0
    return this.#failures >= this.#settings.threshold ? this.#settings.reason : undefined
  }

  failures(): number {
    return this.#failures
  }

  calls(): number {
    return this.#calls
  }

  clear(): void {
    this.#failures = 0
    this.#calls = 0
  }

  continueFrom(previous: TripRule): boolean {
    if (!(previous instanceof ConsecutiveRule)) return false
    this.#failures = previous.#failures
    this.#calls = previous.#calls
    return true
  }

  save(): SavedCounts | undefined {
    return this.#calls === 0 ? undefined : { failures: this.#failures, calls: this.#calls }
  }

  restore(saved: SavedCounts): void {
    if (!('failures' in saved)) return
    this.#failures = saved.failures
    this.#calls = saved.calls
  }
}
