import { type Duration, toMs } from '../../../core/options/durations.ts'
import { finiteNumber, knownKeys } from '../../../core/options/options.ts'
import { type ConcurrencyLimit, isIdle, type LimitAlgorithm, type LimitSettings, within } from './limit.ts'
import { Rounds } from './rounds.ts'

/** Options of {@link aimd}. */
export interface AimdOptions {
  /** An answer that takes longer counts as lost to overload. Set it below what callers still find useful. */
  readonly timeout: Duration
  /** What a round with losses leaves of the limit: from 0.5 to below 1. Default 0.9, as Netflix's. */
  readonly backoffRatio?: number
}

/**
 * Additive increase, multiplicative decrease, as TCP Reno has it and Netflix's `AIMDLimit`: one more after a round in
 * which calls came back in time, a tenth less after one in which every tenth call or more was lost. It needs to be told
 * how slow is too slow, and then nothing else about the dependency.
 *
 * Netflix's reacts to each call by itself, unless it is wrapped in a window. In a queue that does not work: the first
 * late answer comes when the limit has already doubled, and the dozens that follow it take the limit down to 1. In the
 * simulation of the tests that kept 57 % of the goodput of the best fixed limit. So here, as in TCP, one round trip gives
 * one reaction. A dependency that never answers within `timeout` is held at the floor.
 *
 * @throws ConfigurationError for an option that cannot work
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
    if (round.congested) this.#limit = within(this.#settings, Math.floor(this.#limit * this.#backoffRatio))
    else if (!isIdle(round.inFlight, this.#limit)) this.#limit = within(this.#settings, this.#limit + 1)
  }
}
