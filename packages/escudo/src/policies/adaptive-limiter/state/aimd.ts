import { type Duration, toMs } from '../../../core/options/durations.ts'
import { finiteNumber, knownKeys } from '../../../core/options/options.ts'
import { type ConcurrencyLimit, clamp, isIdle, type LimitAlgorithm, type LimitSettings } from './limit.ts'
import { Rounds } from './rounds.ts'

/** Options of {@link aimd}. */
export interface AimdOptions {
  /** A call that takes longer counts as dropped. Set it below the latency that callers still find useful. */
  readonly timeout: Duration
  /** The factor of the limit after a congested round: 0.5 to 0.99. Default 0.9, as Netflix's. */
  readonly backoffRatio?: number
}

/**
 * Adapts a limit by additive increase and multiplicative decrease.
 *
 * The limit grows by one after a round whose calls returned in time. It shrinks by a tenth after a round in which at
 * least a tenth of the calls were dropped. You must know how slow is too slow, and nothing else about the dependency.
 * If the dependency never answers within `timeout`, the limit stays at `min`.
 *
 * The rule is that of TCP Reno and of Netflix's `AIMDLimit`. Netflix's version reacts to each call, unless it is
 * wrapped in a window. That does not work if calls queue: the limit has already doubled when the first late call
 * returns, and the dozens of late calls behind it reduce the limit to 1. In the simulation of the tests, that version
 * kept 57 % of the goodput of the best fixed limit. As in TCP, one round trip here causes one reaction.
 *
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { adaptiveLimiter, aimd, shield } from 'escudo'
 *
 * const search = shield('search', adaptiveLimiter({ algorithm: aimd({ timeout: '300ms' }) }))
 * console.log(await search.run(() => 'found')) // found
 * ```
 */
export function aimd(options: AimdOptions): LimitAlgorithm {
  knownKeys(options, 'aimd', ['timeout', 'backoffRatio'])
  const timeoutMs = toMs(options.timeout, 'aimd.timeout', Number.MIN_VALUE)
  const backoffRatio = finiteNumber(options.backoffRatio ?? 0.9, 'aimd.backoffRatio', 0.5, 0.99)
  return { create: (settings) => new AimdLimit(settings, timeoutMs, backoffRatio) }
}

class AimdLimit implements ConcurrencyLimit {
  readonly #settings: LimitSettings
  readonly #timeoutMs: number
  readonly #backoffRatio: number
  readonly #rounds = new Rounds()
  #limit: number

  constructor(settings: LimitSettings, timeoutMs: number, backoffRatio: number) {
    this.#settings = settings
    this.#timeoutMs = timeoutMs
    this.#backoffRatio = backoffRatio
    this.#limit = settings.initial
  }

  limit(): number {
    return this.#limit
  }

  onSample(rttMs: number, inFlight: number, dropped: boolean, now: number): void {
    const round = this.#rounds.add(rttMs, inFlight, dropped || rttMs > this.#timeoutMs, now)
    if (round === undefined) return
    if (round.congested) this.#limit = clamp(this.#settings, Math.floor(this.#limit * this.#backoffRatio))
    else if (!isIdle(round.inFlight, this.#limit)) this.#limit = clamp(this.#settings, this.#limit + 1)
  }
}
