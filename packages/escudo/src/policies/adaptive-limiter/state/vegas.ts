import { knownKeys, share } from '../../../core/options/options.ts'
import { BaselineProbe } from './baseline-probe.ts'
import { type ConcurrencyLimit, clamp, isIdle, type LimitAlgorithm, type LimitSettings } from './limit.ts'
import { Rounds } from './rounds.ts'

/** Options of {@link vegas}. */
export interface VegasOptions {
  /**
   * How far the limit moves towards each new estimate: a share above 0, at most 1. Default 1, as Netflix's. A smaller
   * share makes the limit steadier and slower.
   */
  readonly smoothing?: number
}

// Netflix's thresholds, in units of the step, which is 1 for limits below 100.
const ALPHA = 3
const BETA = 6
// The baseline is the plain average of the first rounds, as in Gradient2. It then follows idle rounds slowly.
const WARM_UP_ROUNDS = 10
const BASELINE_SHARE = 0.1

/**
 * Adapts a limit so that few calls queue at the dependency.
 *
 * It follows TCP Vegas (Brakmo and Peterson) and Netflix's `VegasLimit`. The baseline is how long a call takes without a
 * queue. From it and from how long a call takes now, the algorithm estimates how many calls wait:
 * `limit · (1 - baseline / now)`. The unit is `step = log10(limit)`, rounded down, at least 1. If at most one step waits,
 * the limit grows by six steps; below three, by one step; above six, it shrinks by one step. Otherwise it does not change.
 *
 * The limit grows fast and is steady. Its queue is a number of calls, not a time, so it is the most precise of the
 * three algorithms for small limits.
 *
 * It differs from Netflix's version in three points that users of that version reported (its issues 37, 98 and 165):
 * - It judges rounds, not single calls, so it does not grow by six for each call of one round trip.
 * - Its baseline follows the averages of rounds, not the single fastest call.
 * - The baseline is measured again with the queue drained, so that a lasting overload does not raise it.
 *
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { adaptiveLimiter, shield, vegas } from 'escudo'
 *
 * const search = shield('search', adaptiveLimiter({ algorithm: vegas() }))
 * console.log(await search.run(() => 'found')) // found
 * ```
 */
export function vegas(options: VegasOptions = {}): LimitAlgorithm {
  knownKeys(options, 'vegas', ['smoothing'])
  const smoothing = share(options.smoothing ?? 1, 'vegas.smoothing')
  return { create: (settings) => new VegasLimit(settings, smoothing) }
}

class VegasLimit implements ConcurrencyLimit {
  readonly #settings: LimitSettings
  readonly #smoothing: number
  readonly #rounds = new Rounds()
  readonly #probe = new BaselineProbe()
  #estimate: number
  /** How long a call takes without a queue. */
  #baselineMs = 0
  #warmUp = 0

  constructor(settings: LimitSettings, smoothing: number) {
    this.#settings = settings
    this.#smoothing = smoothing
    this.#estimate = settings.initial
  }

  limit(): number {
    return this.#probe.limit(this.#estimate, this.#settings)
  }

  onSample(rttMs: number, inFlight: number, dropped: boolean, now: number): void {
    const round = this.#rounds.add(rttMs, inFlight, dropped, now)
    if (round === undefined) return
    const wasProbe = this.#probe.end()
    const step = Math.max(1, Math.floor(Math.log10(this.#estimate)))
    if (round.congested) {
      this.#move(-step)
      return
    }
    if (wasProbe) {
      this.#baselineMs = this.#probe.corrected(this.#baselineMs, round.rttMs)
      return
    }
    const idle = isIdle(round.inFlight, this.#estimate)
    this.#updateBaseline(round.rttMs, idle)
    const waiting = Math.ceil(this.#estimate * (1 - this.#baselineMs / round.rttMs))
    this.#probe.observe(round.inFlight >= Math.floor(this.#estimate), waiting > step)
    if (idle) return
    if (waiting <= step) this.#move(BETA * step)
    else if (waiting < ALPHA * step) this.#move(step)
    else if (waiting > BETA * step) this.#move(-step)
  }

  /** Learns from idle rounds, in which no call waits, and from the first rounds, because there are no others. */
  #updateBaseline(rttMs: number, idle: boolean): void {
    const warmingUp = this.#warmUp < WARM_UP_ROUNDS
    if (warmingUp) this.#warmUp += 1
    if (warmingUp) this.#baselineMs += (rttMs - this.#baselineMs) / this.#warmUp
    else if (idle) this.#baselineMs += (rttMs - this.#baselineMs) * BASELINE_SHARE
  }

  #move(by: number): void {
    const target = clamp(this.#settings, this.#estimate + by)
    this.#estimate += (target - this.#estimate) * this.#smoothing
  }
}
