import { knownKeys, share } from '../../../core/options/options.ts'
import { type ConcurrencyLimit, isIdle, type LimitAlgorithm, type LimitSettings, within } from './limit.ts'
import { Probe } from './probe.ts'
import { Rounds } from './rounds.ts'

/** Options of {@link vegas}. */
export interface VegasOptions {
  /**
   * How much of each new estimate is taken over: above 0, at most 1. Default 1, as Netflix's; less makes it calmer and
   * slower.
   */
  readonly smoothing?: number
}

// In units of the step, which is 1 for limits of up to two digits (Netflix's VegasLimit).
const ALPHA = 3
const BETA = 6
// The baseline is a plain average of the first rounds, as in Gradient2, and follows slowly then.
const WARM_UP_ROUNDS = 10
const BASELINE_SHARE = 0.1

/**
 * Keeps a short queue at the dependency, as TCP Vegas does (Brakmo and Peterson) and Netflix's `VegasLimit`. From the
 * time that a call takes without a queue and the time that it takes now it estimates how many calls wait:
 * `limit · (1 - baseline / now)`. With `step = log10(limit)`, at least 1: up to one step of them the limit grows by six,
 * below three by one; above six it shrinks by one; between, it stays.
 *
 * Quick to grow and steady; its queue is a matter of calls and not of time, so it is the most exact of the three for
 * small limits. It differs from Netflix's where those who use that have found it lacking (issues 37, 98 and 165 there):
 * it judges rounds and not single calls, so that it does not grow by six for each call of one round trip; its baseline
 * follows the averages of rounds and not the one luckiest call; and it is measured anew with the queue drained, so that
 * a lasting overload does not raise it.
 *
 * @throws ConfigurationError for an option that cannot work
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
  readonly #probe = new Probe()
  #estimate: number
  /** How long a call takes where none waits. */
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
    const measured = this.#probe.ends()
    const step = Math.max(1, Math.floor(Math.log10(this.#estimate)))
    if (round.congested) {
      this.#move(-step)
      return
    }
    if (measured) {
      this.#baselineMs = this.#probe.corrected(this.#baselineMs, round.rttMs)
      return
    }
    const idle = isIdle(round.inFlight, this.#estimate)
    this.#learn(round.rttMs, idle)
    const waiting = Math.ceil(this.#estimate * (1 - this.#baselineMs / round.rttMs))
    this.#probe.observe(round.inFlight >= Math.floor(this.#estimate), waiting > step)
    if (idle) return
    if (waiting <= step) this.#move(BETA * step)
    else if (waiting < ALPHA * step) this.#move(step)
    else if (waiting > BETA * step) this.#move(-step)
  }

  /** Where little is in flight nothing waits, and the round tells the baseline; so do the first ones, for want of others. */
  #learn(rttMs: number, idle: boolean): void {
    const warmsUp = this.#warmUp < WARM_UP_ROUNDS
    if (warmsUp) this.#warmUp += 1
    if (warmsUp) this.#baselineMs += (rttMs - this.#baselineMs) / this.#warmUp
    else if (idle) this.#baselineMs += (rttMs - this.#baselineMs) * BASELINE_SHARE
  }

  #move(by: number): void {
    const target = within(this.#settings, this.#estimate + by)
    this.#estimate += (target - this.#estimate) * this.#smoothing
  }
}
