import { ConfigurationError } from '../../../core/options/configuration-error.ts'
import { type Duration, toMs } from '../../../core/options/durations.ts'
import { finiteNumber, knownKeys, oneOf } from '../../../core/options/options.ts'

/** What pays into a budget: calls that succeed, or the first attempt of every call. */
export type Deposit = 'success' | 'attempt'

/** Options of {@link retryBudget}. */
export interface RetryBudgetOptions {
  /** How many retries each deposit pays for. Default 0.2: one retry for five calls. */
  readonly ratio?: number
  /** How many retries a second are free, so that a client with few calls can retry at all. Default 10. */
  readonly minPerSecond?: number
  /** How long a deposit, and what was paid out, counts. At least a second. Default `'10s'`. */
  readonly ttl?: Duration
  /** Whether a call pays in when it succeeds, or when it makes its first attempt. Default `success`. */
  readonly per?: Deposit
}

/** How many retries and hedges there may be, for all that share it. Made by {@link retryBudget}. */
export interface RetryBudget {
  /** Tells what happened. Only what the budget is paid by, its `per`, pays in. */
  deposit(what: Deposit, now: number): void
  /** Takes one retry or hedge out; false, and nothing is taken, where there is none. */
  tryWithdraw(now: number): boolean
  /**
   * How many retries or hedges it pays for now: a whole number.
   *
   * @param now on the clock of the shields that share it
   */
  balance(now: number): number
}

/**
 * Bounds retries and hedges by the calls that there are, so that they cannot multiply the load on a dependency that is
 * down already. Within every `ttl` there are at most `ratio` retries for each deposit, plus `minPerSecond` for each
 * second; the rest is not made. Give one budget to all policies and shields that call the same dependency; they must
 * share a clock.
 *
 * What is paid out counts as long as what is paid in: there is no saving up. After a pause, or when the event loop was
 * blocked, however long, nothing but the free retries of one `ttl` is there. A clock that goes back gives nothing.
 * Time passes in twentieths of `ttl`. Semantics after Finagle's `RetryBudget`, its defaults too.
 *
 * @throws ConfigurationError for an option that cannot work
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
      `${minPerSecond} a second is less than one retry within the ttl of ${ttlMs} ms, and so none; make the ttl longer`,
    )
  }
  return new WindowedBudget(ratio, reserve, ttlMs, per)
}

const SLOTS = 20
// A ratio such as 0.29 is a little less than it says: a hundred deposits must pay for 29 all the same.
const ROUNDING = 1e-9

/** Deposits and withdrawals of the last `ttlMs`, by slots. Counted and not added up, so that no rounding piles up. */
class WindowedBudget implements RetryBudget {
  readonly #ratio: number
  readonly #reserve: number
  readonly #slotMs: number
  readonly #per: Deposit
  readonly #depositsIn = new Float64Array(SLOTS)
  readonly #withdrawalsIn = new Float64Array(SLOTS)
  #deposits = 0
  #withdrawals = 0
  // The number of the current slot since time 0.
  #slot = Number.NEGATIVE_INFINITY
  #place = 0

  constructor(ratio: number, reserve: number, ttlMs: number, per: Deposit) {
    this.#ratio = ratio
    this.#reserve = reserve
    this.#slotMs = ttlMs / SLOTS
    this.#per = per
  }

  deposit(what: Deposit, now: number): void {
    if (what !== this.#per) return
    this.#slide(now)
    this.#depositsIn[this.#place] = (this.#depositsIn[this.#place] as number) + 1
    this.#deposits += 1
  }

  tryWithdraw(now: number): boolean {
    if (this.balance(now) < 1) return false
    this.#withdrawalsIn[this.#place] = (this.#withdrawalsIn[this.#place] as number) + 1
    this.#withdrawals += 1
    return true
  }

  balance(now: number): number {
    this.#slide(now)
    const left = this.#reserve + this.#ratio * this.#deposits - this.#withdrawals
    // Below zero where the deposits that paid for withdrawals have expired before them.
    return Math.max(0, Math.floor(left + ROUNDING))
  }

  /** Moves to the slot of `now`, forgetting those that fall out. A clock that goes back stays in its slot. */
  #slide(now: number): void {
    const slot = Math.floor(now / this.#slotMs)
    // Also for a `now` that is no number: it moves nothing.
    if (!(slot > this.#slot)) return
    const from = Math.max(this.#slot + 1, slot - SLOTS + 1)
    for (let passed = from; passed <= slot; passed += 1) {
      const place = placeOf(passed)
      this.#deposits -= this.#depositsIn[place] as number
      this.#withdrawals -= this.#withdrawalsIn[place] as number
      this.#depositsIn[place] = 0
      this.#withdrawalsIn[place] = 0
    }
    this.#slot = slot
    this.#place = placeOf(slot)
  }
}

/** The place of a slot in the ring, also for an instant before 0. */
function placeOf(slot: number): number {
  return ((slot % SLOTS) + SLOTS) % SLOTS
}
