import type { Clock } from '../../core/clock.ts'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import type { RetryBudget } from './state/retry-budget.ts'

/** Checks the option `budget` of a policy, which may be left out. */
export function optionalBudget(budget: RetryBudget | undefined, path: string): RetryBudget | undefined {
  if (budget === undefined || typeof budget?.tryWithdraw === 'function') return budget
  throw new ConfigurationError(path, `expected retryBudget(…), got ${show(budget)}`)
}

const clocks = new WeakMap<RetryBudget, Clock>()

/** Binds a budget to the clock of the first shield that uses it. Its instants have no meaning on another clock. */
export function bindBudget(budget: RetryBudget | undefined, clock: Clock, path: string): void {
  if (budget === undefined) return
  checkBudgetClock(budget, clock, path)
  clocks.set(budget, clock)
}

/** @throws ConfigurationError if the budget is bound to another clock */
export function checkBudgetClock(budget: RetryBudget | undefined, clock: Clock, path: string): void {
  if (budget !== undefined && (clocks.get(budget) ?? clock) !== clock) {
    throw new ConfigurationError(
      path,
      'this budget is used by a shield with another clock; give both shields the same clock, or use a separate budget',
    )
  }
}
