import { finiteNumber, knownKeys, share, wholeNumber } from '../../../core/options/options.ts'
import { BaselineProbe } from './baseline-probe.ts'
import { type ConcurrencyLimit, clamp, isIdle, type LimitAlgorithm, type LimitSettings } from './limit.ts'
import { Rounds } from './rounds.ts'

/** Options of {@link gradient2}. The defaults are those of Netflix's `Gradient2Limit`. */
export interface Gradient2Options {
  /**
   * How much slower than the long-term average calls may become before the limit shrinks: a factor of 1 to 100. Default
   * 1.5. A lower factor keeps the latency lower, but treats random variation of latencies as overload.
   */
  readonly rttTolerance?: number
  /** How many calls may queue at the dependency, and the most by which one estimate may grow. Default 4. */
  readonly queueSize?: number
  /** How far the limit moves towards each new estimate: a share above 0, at most 1. Default 0.2. */
  readonly smoothing?: number
}

// The length of Netflix's long window, and its warm-up.
const LONG_ROUNDS = 600
const WARM_UP_ROUNDS = 10
// One round at most halves the estimate, so that an outlier does not reject most of the load.
const GRADIENT_MIN = 0.5

/**
 * Adapts a limit by comparing current latencies with their long-term average.
 *
 * It follows Netflix's `Gradient2Limit`: `gradient = rttTolerance · long / now`, at most 1 and at least 0.5. In each
 * round the limit moves towards `limit · gradient + queueSize`, by the share `smoothing`. It compares averages, not
 * minima, so it tolerates latencies that vary much. You need to know nothing about the dependency.
 *
 * With the default tolerance the latency under overload is about one and a half times that without load, plus the wait
 * behind four calls. The limit grows by at most 0.8 in a round of two to three round trips. For a busy dependency, set
 * an `initial` close to its capacity.
 *
 * It differs from Netflix's version in two points, both found by users of that version (its issue 137 and pull request
 * 134):
 * - A round with many dropped calls uses the smallest gradient and no `queueSize`. Netflix's version treats a constant
 *   timeout as a constant latency, and its limit grows to the maximum.
 * - In a lasting overload, the long-term average of Netflix's version becomes that of the queue, and its limit doubles
 *   within minutes, again and again. In the simulation of the tests, no goodput was left after half an hour. Here the
 *   queue is drained for one round, which corrects the average.
 *
 * @throws ConfigurationError for an invalid option
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
  readonly #probe = new BaselineProbe()
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
    const wasProbe = this.#probe.end()
    if (round.congested) {
      this.#move(GRADIENT_MIN, 0)
      return
    }
    if (wasProbe) {
      this.#long.valueMs = this.#probe.corrected(this.#long.valueMs, round.rttMs)
      return
    }
    // While the limit is full, a slower round may only show the limiter's own queue. The probe corrects that.
    const full = round.inFlight >= Math.floor(this.#estimate)
    if (!full || this.#long.warmingUp || round.rttMs < this.#long.valueMs) this.#long.add(round.rttMs)
    const { rttTolerance, queueSize } = this.#options
    const gradient = Math.max(GRADIENT_MIN, Math.min(1, (rttTolerance * this.#long.valueMs) / round.rttMs))
    this.#probe.observe(full, gradient < 1)
    if (!isIdle(round.inFlight, this.#estimate)) this.#move(gradient, queueSize)
  }

  #move(gradient: number, queueSize: number): void {
    const target = this.#estimate * gradient + queueSize
    const smoothed = this.#estimate + (target - this.#estimate) * this.#options.smoothing
    this.#estimate = clamp(this.#settings, smoothed)
  }
}

/**
 * An exponential average of about {@link LONG_ROUNDS} rounds; the plain average of the first {@link WARM_UP_ROUNDS}.
 */
class LongAverage {
  valueMs = 0
  #rounds = 0

  get warmingUp(): boolean {
    return this.#rounds < WARM_UP_ROUNDS
  }

  add(rttMs: number): void {
    const { warmingUp } = this
    if (warmingUp) this.#rounds += 1
    this.valueMs += (rttMs - this.valueMs) * (warmingUp ? 1 / this.#rounds : 2 / (LONG_ROUNDS + 1))
    // After a long overload the average is far too high. This lowers it faster than averaging alone.
    if (this.valueMs > 2 * rttMs) this.valueMs *= 0.9
  }
}
