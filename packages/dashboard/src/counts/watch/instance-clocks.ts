import { AHEAD_MS_MIN, ClockOffset } from './clock-offset.ts'

/** The most processes of a service whose clocks are known: those that wrote last. */
const CLOCKS_MAX = 64

/**
 * Finds the clocks of the processes of one service, which may differ.
 *
 * The verdict is about the last 60 seconds by one clock, that of the service. New lines of a process with another clock
 * tell of now too, so they are counted as if it had the clock of the service. The clocks are not stored for the next start:
 * a few new lines tell them again.
 */
export class InstanceClocks {
  readonly #clocks = new Map<string, ClockOffset>()
  #latestId = ''
  #latest: ClockOffset | undefined

  /**
   * Records a new line of a process, and returns its time by the clock of the service.
   *
   * A line that fits the reader's clock better as it is keeps its time: the clock was set in the meantime.
   */
  countedAt(id: string, at: number, arrivedMs: number, service: ClockOffset): number {
    const clock = this.#clockOf(id)
    const own = clock.knownMs(arrivedMs)
    clock.add(at, arrivedMs)
    const usual = service.knownMs(arrivedMs) ?? 0
    if (own === undefined || Math.abs(own - usual) <= AHEAD_MS_MIN) return at
    const age = arrivedMs - at
    return Math.abs(age + own) < Math.abs(age + usual) ? at - own + usual : at
  }

  #clockOf(id: string): ClockOffset {
    if (id === this.#latestId && this.#latest !== undefined) return this.#latest
    let clock = this.#clocks.get(id)
    if (clock === undefined) {
      if (this.#clocks.size >= CLOCKS_MAX) this.#forgetOldest()
      clock = new ClockOffset()
      this.#clocks.set(id, clock)
    }
    this.#latestId = id
    this.#latest = clock
    return clock
  }

  #forgetOldest(): void {
    let oldest: readonly [id: string, clock: ClockOffset] | undefined
    for (const one of this.#clocks)
      if (oldest === undefined || one[1].newestArrivalMs < oldest[1].newestArrivalMs) oldest = one
    if (oldest !== undefined) this.#clocks.delete(oldest[0])
  }
}
