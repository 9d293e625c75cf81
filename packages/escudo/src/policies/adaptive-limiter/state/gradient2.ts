import { finiteNumber, knownKeys, share, wholeNumber } from '../../../core/options/options.ts'
import { type ConcurrencyLimit, isIdle, type LimitAlgorithm, type LimitSettings, within } from './limit.ts'
import { Probe } from './probe.ts'
import { Rounds } from './rounds.ts'

/** Options of {@link gradient2}. All defaults are those of Netflix's `Gradient2Limit`. */
export interface Gradient2Options {
  /**
   * How much slower than the long-term average calls may become before the limit shrinks: a factor from 1. Default 1.5.
   * Less keeps the latency lower, and takes chance for overload where latencies vary much.
   */
  readonly rttTolerance?: number
  /** How many calls it lets wait, and so the most by which one estimate may grow. Default 4. */
  readonly queueSize?: number
  /** How much of each new estimate is taken over: above 0, at most 1. Default 0.2. */
  readonly smoothing?: number
}

// Netflix's long window and its warm-up.
const LONG_ROUNDS = 600
const WARM_UP_ROUNDS = 10
// One round takes at most half, so that an outlier does not shed most of the load.
const GRADIENT_MIN = 0.5

/**
 * Compares how long calls take now with how long they took on average, after Netflix's `Gradient2Limit`:
 * `gradient = rttTolerance · long / now`, at most 1 and at least 0.5, and the limit moves to
 * `limit · gradient + queueSize`, by the share `smoothing` in each round. Averages, not minima: so it bears latencies
 * that vary much, and needs to know nothing about the dependency.
 *
 * With the default tolerance the latency under overload settles at about one and a half times that without load, plus
 * the wait of four calls. The limit grows by 0.8 in a round of two to three round trips, so give a busy dependency an
 * `initial` that is near what it bears.
 *
 * It differs from Netflix's in two points, which those who use that have found (issue 137 and pull request 134 there). A
 * round with many lost calls has the smallest gradient and no room for a queue: there, a constant timeout is a constant
 * latency, and the limit grows to its maximum. And in a lasting overload the long-term average becomes that of the
 * queue, and the limit doubles in minutes without end: in the simulation of the tests nothing was left of the goodput
 * after half an hour. Here the average is put right with the queue drained for a round.
 *
 * @throws ConfigurationError for an option that cannot work
 * @example
 * ```ts
 * import { adaptiveLimiter, gradient2, shield } from 'escudo'
 *
 * const search = shield('search', adaptiveLimiter({ algorithm: gradient2({ rttTolerance: 1.2 }) }))
 * console.log(await search.run(() => 'found')) // found
 * ```
 */
export function gradient2(options: Gradient2Options = {}): LimitAlgorithm {
  knownKeys(options, 'gradient2', ['rttTolerance', 'queueSize', 'smoothing'])
  const rttTolerance = finiteNumber(options.rttTolerance ?? 1.5, 'gradient2.rttTolerance', 1, 100)
  const queueSize = wholeNumber(options.queueSize ?? 4, 'gradient2.queueSize', 1)
  const smoothing = share(options.smoothing ?? 0.2, 'gradient2.smoothing')
  return { create: (settings) => new Gradient2Limit(settings, { rttTolerance, queueSize, smoothing }) }
}

class Gradient2Limit implements ConcurrencyLimit {
  readonly #settings: LimitSettings
  readonly #options: Required<Gradient2Options>
  readonly #rounds = new Rounds()
  readonly #probe = new Probe()
  readonly #long = new LongAverage()
  #estimate: number

  constructor(settings: LimitSettings, options: Required<Gradient2Options>) {
    this.#settings = settings
    this.#options = options
    this.#estimate = settings.initial
  }

  limit(): number {
    return this.#probe.limit(this.#estimate, this.#settings)
  }

  onSample(rttMs: number, inFlight: number, dropped: boolean, now: number): void {
    const round = this.#rounds.add(rttMs, inFlight, dropped, now)
    if (round === undefined) return
    const measured = this.#probe.ends()
    if (round.congested) {
      this.#move(GRADIENT_MIN, 0)
      return
    }
    if (measured) {
      this.#long.valueMs = this.#probe.corrected(this.#long.valueMs, round.rttMs)
      return
    }
    // While the limit is full a slower round may be our own queue, which is for the probe to tell.
    const full = round.inFlight >= Math.floor(this.#estimate)
    if (!full || this.#long.warmsUp || round.rttMs < this.#long.valueMs) this.#long.add(round.rttMs)
    const { rttTolerance, queueSize } = this.#options
    const gradient = Math.max(GRADIENT_MIN, Math.min(1, (rttTolerance * this.#long.valueMs) / round.rttMs))
    this.#probe.observe(full, gradient < 1)
    if (!isIdle(round.inFlight, this.#estimate)) this.#move(gradient, queueSize)
  }

  #move(gradient: number, queueSize: number): void {
    const target = this.#estimate * gradient + queueSize
    const smoothed = this.#estimate + (target - this.#estimate) * this.#options.smoothing
    this.#estimate = within(this.#settings, smoothed)
  }
}

/** An exponential average over about {@link LONG_ROUNDS} rounds; a plain one of the first few. */
class LongAverage {
  valueMs = 0
  #rounds = 0

  get warmsUp(): boolean {
    return this.#rounds < WARM_UP_ROUNDS
  }

  add(rttMs: number): void {
    const warm = !this.warmsUp
    if (!warm) this.#rounds += 1
    this.valueMs += (rttMs - this.valueMs) * (warm ? 2 / (LONG_ROUNDS + 1) : 1 / this.#rounds)
    // After a long overload it is far too high; it comes down faster than by averaging.
    if (this.valueMs > 2 * rttMs) this.valueMs *= 0.9
  }
}
