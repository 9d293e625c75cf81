import { ConfigurationError } from '../../../core/options/configuration-error.ts'
import { type Duration, toMs } from '../../../core/options/durations.ts'
import { finiteNumber, knownKeys, oneOf } from '../../../core/options/options.ts'

/** What makes a deposit in a budget: each successful call, or the first attempt of each call. */
export type Deposit = 'success' | 'attempt'

/** Options of {@link retryBudget}. */
export interface RetryBudgetOptions {
  /** How many retries each deposit pays for. Default 0.2: one retry per five calls. */
  readonly ratio?: number
  /** How many retries per second are free, so that a client with few calls can retry. Default 10. */
  readonly minPerSecond?: number
  /** How long a deposit counts, and how long a retry counts against it. At least 1 s. Default `'10s'`. */
  readonly ttl?: Duration
  /** What makes a deposit: each successful call, or the first attempt of each call. Default `success`. */
  readonly per?: Deposit
}

/** Limits the retries and hedges of all policies that share it. Made by {@link retryBudget}. */
export interface RetryBudget {
  /** Records a success or a first attempt. Only the kind that the option `per` selects makes a deposit. */
  deposit(what: Deposit, now: number): void
  /** Pays for one retry or hedge. Returns false, and takes nothing, if the budget is empty. */
  tryWithdraw(now: number): boolean
  /**
   * Returns how many retries or hedges it pays for now: a whole number.
   *
   * @param now an instant on the clock of the shields that share it
   */
  balance(now: number): number
}

/**
 * Limits retries and hedges in proportion to the number of calls.
 *
 * They cannot multiply the load on a dependency that is already down: in every `ttl`, at most `ratio` retries are made
 * per deposit, plus `minPerSecond` for each second. Share one budget between all policies and shields that call the same
 * dependency; they must share a clock.
 *
 * A retry counts for as long as a deposit, so nothing is saved for longer than one `ttl`: after a pause or a blocked
 * event loop, only the free retries of one `ttl` are available. A clock that goes back gives no credit. Time advances in
 * twentieths of `ttl`. Semantics and defaults after Finagle's `RetryBudget`.
 *
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { hedge, retryBudget, shield, systemClock } from 'escudo'
 *
 * const budget = retryBudget({ ratio: 0.1, minPerSecond: 1 })
 * const catalogue = shield('catalogue', hedge({ after: '50ms', budget }))
 * await catalogue.run(() => 42)
 * console.log(budget.balance(systemClock.now())) // 10
 * ```
 */
export function retryBudget(options: RetryBudgetOptions = {}): RetryBudget {
  const path = 'retryBudget'
  knownKeys(options, path, ['ratio', 'minPerSecond', 'ttl', 'per'])
  const ratio = finiteNumber(options.ratio ?? 0.2, `${path}.ratio`, 0, 1_000)
  const minPerSecond = finiteNumber(options.minPerSecond ?? 10, `${path}.minPerSecond`, 0, 1_000_000)
  const ttlMs = toMs(options.ttl ?? '10s', `${path}.ttl`, 1_000)
  const per = oneOf(options.per ?? 'success', `${path}.per`, ['success', 'attempt'])
  const reserve = (minPerSecond * ttlMs) / 1_000
  if (reserve > 0 && reserve < 1) {
    throw new ConfigurationError(
      `${path}.minPerSecond`,
      `${minPerSecond} per second is less than one retry within the ttl of ${ttlMs} ms, so no retry would be free; make the ttl longer`,
    )
  }
  return new WindowedBudget(ratio, reserve, ttlMs, per)
}

const BUCKETS = 20
// A ratio such as 0.29 is slightly less in binary; a hundred deposits must still pay for 29.
const ROUNDING = 1e-9

/** Counts the deposits and withdrawals of the last `ttlMs` by bucket. Whole counts, so that no rounding error adds up. */
class WindowedBudget implements RetryBudget {
  readonly #ratio: number
  readonly #reserve: number
  readonly #bucketMs: number
  readonly #per: Deposit
  readonly #depositsIn = new Float64Array(BUCKETS)
  readonly #withdrawalsIn = new Float64Array(BUCKETS)
  #deposits = 0
  #withdrawals = 0
  // The number of the current bucket, counted from time 0.
  #bucket = Number.NEGATIVE_INFINITY
  #index = 0

  constructor(ratio: number, reserve: number, ttlMs: number, per: Deposit) {
    this.#ratio = ratio
    this.#reserve = reserve
    this.#bucketMs = ttlMs / BUCKETS
    this.#per = per
  }

  deposit(what: Deposit, now: number): void {
    if (what !== this.#per) return
    this.#slide(now)
    this.#depositsIn[this.#index] = (this.#depositsIn[this.#index] as number) + 1
    this.#deposits += 1
  }

  tryWithdraw(now: number): boolean {
    if (this.balance(now) < 1) return false
    this.#withdrawalsIn[this.#index] = (this.#withdrawalsIn[this.#index] as number) + 1
    this.#withdrawals += 1
    return true
  }

  balance(now: number): number {
    this.#slide(now)
    const left = this.#reserve + this.#ratio * this.#deposits - this.#withdrawals
    // Below zero if deposits have expired before the withdrawals that they paid for.
    return Math.max(0, Math.floor(left + ROUNDING))
  }

  /** Moves to the bucket of `now` and drops those that expired. If the clock goes back, the bucket stays. */
  #slide(now: number): void {
    const bucket = Math.floor(now / this.#bucketMs)
    // Negated, so that NaN moves nothing.
    if (!(bucket > this.#bucket)) return
    const from = Math.max(this.#bucket + 1, bucket - BUCKETS + 1)
    for (let passed = from; passed <= bucket; passed += 1) {
      const index = indexOf(passed)
      this.#deposits -= this.#depositsIn[index] as number
      this.#withdrawals -= this.#withdrawalsIn[index] as number
      this.#depositsIn[index] = 0
      this.#withdrawalsIn[index] = 0
    }
    this.#bucket = bucket
    this.#index = indexOf(bucket)
  }
}

/** The index of a bucket in the ring, also for an instant before 0. */
function indexOf(bucket: number): number {
  return ((bucket % BUCKETS) + BUCKETS) % BUCKETS
}
