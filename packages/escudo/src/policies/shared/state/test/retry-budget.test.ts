import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConfigurationError } from '../../../../core/options/configuration-error.ts'
import { type RetryBudgetOptions, retryBudget } from '../retry-budget.ts'

type Step = { readonly do: 'success' | 'attempt' | 'withdraw'; readonly afterMs: number }

const BUCKETS = 20

/** The reference model: lists of all events, searched each time. Its time is the latest that it received. */
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
    const bucket = (at: number): number => Math.floor(at / (this.options.ttl / BUCKETS))
    const counting = (all: readonly number[]): number =>
      all.filter((at) => bucket(at) > bucket(this.#now) - BUCKETS).length
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
// Negative steps too: a clock that goes back gives no credit.
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
  test('agrees with lists of all events, for any events and any clock', () => {
    fc.assert(
      fc.property(settings, fc.integer({ min: -20_000, max: 20_000 }), steps, (options, startMs, sequence) => {
        const budget = retryBudget(options)
        const model = new Model(options)
        let now = startMs
        for (const step of sequence) {
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

  test('pays per ttl for at most the ratio of its deposits plus minPerSecond for each second', () => {
    fc.assert(
      fc.property(settings, steps, (options, sequence) => {
        const budget = retryBudget(options)
        const { ttl, ratio, minPerSecond, per } = options
        const deposits: number[] = []
        const paid: number[] = []
        let now = 0
        for (const step of sequence) {
          now += Math.abs(step.afterMs)
          if (step.do !== 'withdraw') {
            budget.deposit(step.do, now)
            if (step.do === per) deposits.push(now)
          } else if (budget.tryWithdraw(now)) {
            paid.push(now)
            const payments = paid.filter((at) => at > now - ttl * (1 - 1 / BUCKETS)).length
            const received = deposits.filter((at) => at > now - ttl).length
            expect(payments).toBeLessThanOrEqual(ratio * received + (minPerSecond * ttl) / 1_000 + 1e-6)
          }
        }
      }),
    )
  })

  test('gains the ratio for each success, and a retry costs 1', () => {
    const budget = retryBudget({ ratio: 0.2, minPerSecond: 0 })
    for (let success = 1; success <= 4; success += 1) budget.deposit('success', 0)
    expect(budget.tryWithdraw(0)).toBe(false)
    budget.deposit('success', 0)
    expect(budget.balance(0)).toBe(1)
    expect(budget.tryWithdraw(0)).toBe(true)
    expect(budget.tryWithdraw(0)).toBe(false)
  })

  test.each([0.07, 0.1, 0.2, 0.29, 0.57, 0.58])(
    'a ratio of %d pays for exactly that share of a hundred deposits',
    (ratio) => {
      const budget = retryBudget({ ratio, minPerSecond: 0 })
      for (let success = 1; success <= 100; success += 1) budget.deposit('success', 0)
      expect(budget.balance(0)).toBe(Math.round(ratio * 100))
    },
  )

  test('counts successes or first attempts as deposits, never both', () => {
    const bySuccess = retryBudget({ ratio: 1, minPerSecond: 0 })
    const byAttempt = retryBudget({ ratio: 1, minPerSecond: 0, per: 'attempt' })
    for (const budget of [bySuccess, byAttempt]) {
      budget.deposit('attempt', 0)
      budget.deposit('attempt', 0)
      budget.deposit('success', 0)
    }
    expect([bySuccess.balance(0), byAttempt.balance(0)]).toEqual([1, 2])
  })

  test("has Finagle's defaults: 20 % and 10 per second over 10 s", () => {
    const budget = retryBudget()
    expect(budget.balance(0)).toBe(100)
    for (let success = 1; success <= 50; success += 1) budget.deposit('success', 0)
    expect(budget.balance(0)).toBe(110)
  })

  test('a deposit expires after the ttl, accurate to a twentieth of it', () => {
    const budget = retryBudget({ ratio: 1, minPerSecond: 0, ttl: '10s' })
    budget.deposit('success', 250)
    expect(budget.balance(9_999)).toBe(1)
    expect(budget.balance(10_250)).toBe(0)
  })

  test('gives only the free retries of one ttl after the event loop was blocked for 30 s', () => {
    const budget = retryBudget({ minPerSecond: 10, ttl: '10s' })
    for (let success = 1; success <= 1_000; success += 1) budget.deposit('success', 0)
    while (budget.tryWithdraw(0)) {
      // Until it is empty.
    }
    expect(budget.balance(30_000)).toBe(100)
    expect(budget.balance(3_600_000)).toBe(100)
  })

  test('gives no credit if the clock goes back', () => {
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
  ])('rejects %s: %j', (path, options) => {
    expect(() => retryBudget(options as RetryBudgetOptions)).toThrow(ConfigurationError)
    expect(() => retryBudget(options as RetryBudgetOptions)).toThrow(path)
  })
})
