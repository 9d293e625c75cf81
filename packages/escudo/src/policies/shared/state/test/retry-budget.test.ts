import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConfigurationError } from '../../../../core/options/configuration-error.ts'
import { type RetryBudgetOptions, retryBudget } from '../retry-budget.ts'

type Step = { readonly do: 'success' | 'attempt' | 'withdraw'; readonly afterMs: number }

const SLOTS = 20

/** The same as plain lists of what happened, searched anew each time; the latest time it heard of is its now. */
class Model {
  readonly deposits: number[] = []
  readonly withdrawals: number[] = []
  readonly options: Required<Omit<RetryBudgetOptions, 'ttl'>> & { readonly ttl: number }
  #now = Number.NEGATIVE_INFINITY

  constructor(options: Model['options']) {
    this.options = options
  }

  balance(now: number): number {
    this.#now = Math.max(this.#now, now)
    const slot = (at: number): number => Math.floor(at / (this.options.ttl / SLOTS))
    const counting = (all: readonly number[]): number => all.filter((at) => slot(at) > slot(this.#now) - SLOTS).length
    const { ratio, minPerSecond, ttl } = this.options
    const left = (minPerSecond * ttl) / 1_000 + ratio * counting(this.deposits) - counting(this.withdrawals)
    return Math.max(0, Math.floor(left + 1e-9))
  }

  step(what: Step['do'], now: number): boolean {
    const pays = this.balance(now) >= 1
    if (what === this.options.per) this.deposits.push(this.#now)
    if (what === 'withdraw' && pays) this.withdrawals.push(this.#now)
    return pays
  }
}

const settings = fc.record({
  ratio: fc.constantFrom(0, 0.1, 0.2, 0.29, 1, 2.5),
  minPerSecond: fc.constantFrom(0, 1, 1.5, 10),
  ttl: fc.constantFrom(1_000, 2_000, 10_000),
  per: fc.constantFrom('success' as const, 'attempt' as const),
})
// Backwards too: a clock that does so gives nothing.
const elapsed = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 600 }),
  fc.constantFrom(-5_000, 50, 500, 999, 1_000, 9_999, 10_000, 30_000, 3_600_000),
)
const steps = fc.array(
  fc.record<Step>({ do: fc.constantFrom('success', 'success', 'attempt', 'withdraw', 'withdraw'), afterMs: elapsed }),
  { maxLength: 150, size: 'max' },
)

describe('a retry budget', () => {
  test('agrees with lists of what happened, whatever happens, whatever the clock does', () => {
    fc.assert(
      fc.property(settings, fc.integer({ min: -20_000, max: 20_000 }), steps, (options, startMs, todo) => {
        const budget = retryBudget(options)
        const model = new Model(options)
        let now = startMs
        for (const step of todo) {
          now += step.afterMs
          expect(budget.balance(now)).toBe(model.balance(now))
          const pays = model.step(step.do, now)
          if (step.do === 'withdraw') expect(budget.tryWithdraw(now)).toBe(pays)
          else budget.deposit(step.do, now)
          expect(budget.balance(now)).toBe(model.balance(now))
        }
      }),
    )
  })

  test('within a ttl pays for no more than the ratio of its deposits and the floor of each second', () => {
    fc.assert(
      fc.property(settings, steps, (options, todo) => {
        const budget = retryBudget(options)
        const { ttl, ratio, minPerSecond, per } = options
        const deposits: number[] = []
        const paid: number[] = []
        let now = 0
        for (const step of todo) {
          now += Math.abs(step.afterMs)
          if (step.do !== 'withdraw') {
            budget.deposit(step.do, now)
            if (step.do === per) deposits.push(now)
          } else if (budget.tryWithdraw(now)) {
            paid.push(now)
            const payments = paid.filter((at) => at > now - ttl * (1 - 1 / SLOTS)).length
            const received = deposits.filter((at) => at > now - ttl).length
            expect(payments).toBeLessThanOrEqual(ratio * received + (minPerSecond * ttl) / 1_000 + 1e-6)
          }
        }
      }),
    )
  })

  test('gains the ratio for each success, and pays 1 for a retry', () => {
    const budget = retryBudget({ ratio: 0.2, minPerSecond: 0 })
    for (let success = 1; success <= 4; success += 1) budget.deposit('success', 0)
    expect(budget.tryWithdraw(0)).toBe(false)
    budget.deposit('success', 0)
    expect(budget.balance(0)).toBe(1)
    expect(budget.tryWithdraw(0)).toBe(true)
    expect(budget.tryWithdraw(0)).toBe(false)
  })

  test.each([0.07, 0.1, 0.2, 0.29, 0.57, 0.58])('a ratio of %d pays for exactly that share of a hundred', (ratio) => {
    const budget = retryBudget({ ratio, minPerSecond: 0 })
    for (let success = 1; success <= 100; success += 1) budget.deposit('success', 0)
    expect(budget.balance(0)).toBe(Math.round(ratio * 100))
  })

  test('is paid by successes or by first attempts, never by both', () => {
    const bySuccess = retryBudget({ ratio: 1, minPerSecond: 0 })
    const byAttempt = retryBudget({ ratio: 1, minPerSecond: 0, per: 'attempt' })
    for (const budget of [bySuccess, byAttempt]) {
      budget.deposit('attempt', 0)
      budget.deposit('attempt', 0)
      budget.deposit('success', 0)
    }
    expect([bySuccess.balance(0), byAttempt.balance(0)]).toEqual([1, 2])
  })

  test('has the 20 % and 10 a second over 10 s of Finagle by default', () => {
    const budget = retryBudget()
    expect(budget.balance(0)).toBe(100)
    for (let success = 1; success <= 50; success += 1) budget.deposit('success', 0)
    expect(budget.balance(0)).toBe(110)
  })

  test('a deposit expires after the ttl, to within a twentieth of it', () => {
    const budget = retryBudget({ ratio: 1, minPerSecond: 0, ttl: '10s' })
    budget.deposit('success', 250)
    expect(budget.balance(9_999)).toBe(1)
    expect(budget.balance(10_250)).toBe(0)
  })

  test('an event loop that was blocked for 30 s gives no burst of credit: there is one ttl of the floor', () => {
    const budget = retryBudget({ minPerSecond: 10, ttl: '10s' })
    for (let success = 1; success <= 1_000; success += 1) budget.deposit('success', 0)
    while (budget.tryWithdraw(0)) {
      // Nothing is left.
    }
    expect(budget.balance(30_000)).toBe(100)
    expect(budget.balance(3_600_000)).toBe(100)
  })

  test('a clock that goes back gives nothing', () => {
    const budget = retryBudget({ minPerSecond: 10, ttl: '10s' })
    for (let retry = 1; retry <= 100; retry += 1) expect(budget.tryWithdraw(60_000)).toBe(true)
    expect(budget.balance(0)).toBe(0)
    expect(budget.tryWithdraw(Number.NaN)).toBe(false)
    expect(budget.balance(60_000)).toBe(0)
  })

  test.each<[string, unknown]>([
    ['retryBudget.ratio', { ratio: -0.1 }],
    ['retryBudget.ratio', { ratio: Number.NaN }],
    ['retryBudget.ratio', { ratio: Number.POSITIVE_INFINITY }],
    ['retryBudget.ratio', { ratio: '20%' }],
    ['retryBudget.minPerSecond', { minPerSecond: -1 }],
    ['retryBudget.minPerSecond', { minPerSecond: Number.NaN }],
    ['retryBudget.minPerSecond', { minPerSecond: Number.POSITIVE_INFINITY }],
    ['retryBudget.minPerSecond', { minPerSecond: 0.05 }],
    ['retryBudget.ttl', { ttl: 999 }],
    ['retryBudget.ttl', { ttl: Number.POSITIVE_INFINITY }],
    ['retryBudget.ttl', { ttl: 'soon' }],
    ['retryBudget.per', { per: 'call' }],
    ['retryBudget.ration', { ration: 1 }],
    ['retryBudget', null],
  ])('refuses %s: %j', (path, options) => {
    expect(() => retryBudget(options as RetryBudgetOptions)).toThrow(ConfigurationError)
    expect(() => retryBudget(options as RetryBudgetOptions)).toThrow(path)
  })
})
