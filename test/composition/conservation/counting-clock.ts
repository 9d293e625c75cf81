import type { Clock } from 'escudo'

/** The clock of a shield under test. Counts the timers of that shield that are pending. */
export class CountingClock implements Clock {
  readonly #clock: Clock
  readonly #pending = new Set<object>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How many timers have neither fired nor been cancelled. */
  get pending(): number {
    return this.#pending.size
  }

  now(): number {
    return this.#clock.now()
  }

  setTimer(fire: () => void, delayMs: number): () => void {
    const timer = {}
    this.#pending.add(timer)
    const cancel = this.#clock.setTimer(() => {
      this.#pending.delete(timer)
      fire()
    }, delayMs)
    return () => {
      this.#pending.delete(timer)
      cancel()
    }
  }
}
