import type { Binding } from '../../core/binding.ts'
import type { Clock } from '../../core/clock.ts'
import { runOnCalls } from '../../core/engine/custom-policy.ts'
import { type Countable, reportOnce } from '../../core/events/events.ts'
import { idempotencyOf } from '../../core/idempotency.ts'
import type { Operation, Run } from '../../core/operation.ts'
import {
  type Finding,
  type OptionsChange,
  type Policy,
  type PolicyFacts,
  type PolicyOptions,
  type PolicyStatus,
  unbound,
} from '../../core/policy.ts'
import { synchronous } from '../../errors/options/synchronous.ts'
import { bindBudget, checkBudgetClock } from '../shared/budget.ts'
import { ChangeableOptions } from '../shared/changeable-options.ts'
import { emitExecuted } from '../shared/executed.ts'
import { checkOrder, HEDGE_RULES } from '../shared/order-rules.ts'
import type { RetryBudget } from '../shared/state/retry-budget.ts'
import type { HedgeOutcome, HedgeRules } from './hedge-rules.ts'
import { HedgedCall } from './hedged-call.ts'
import { HEDGE, type HedgeOptions, type HedgeSettings, readHedgeOptions } from './options.ts'
import { hedgeDelayMs } from './state/hedge-delay.ts'

/**
 * Starts a second attempt when the first one is slow, and returns the first answer.
 *
 * The slowest calls become as fast as two ordinary ones. Use it for operations that may run twice at the same time, and
 * for dependencies of which only a few calls are slow.
 *
 * - The first success wins. The other attempts are aborted, and the call does not wait for them. Inner policies count
 *   them as neither success nor failure.
 * - A failure starts the next hedge immediately. If all attempts fail, the last failure is thrown; `attemptsOf(error)`
 *   returns all of them.
 * - An outcome that is not a failure, such as a business error, is an answer and ends the call. With `classify`, a value
 *   can be a failure too.
 * - A refusal by an inner policy ends the hedging. It is thrown only if no attempt has failed.
 * - A hedge that could not start before the call's deadline is not made.
 *
 * Semantics after "The Tail at Scale" (Dean and Barroso, CACM 2013), gRPC A6 and failsafe-go.
 *
 * @throws ConfigurationError for an option that cannot work
 * @example
 * ```ts
 * import { hedge, retryBudget, shield, timeout } from 'escudo'
 *
 * const catalogue = shield(
 *   'catalogue',
 *   timeout('2s'),
 *   hedge({ after: { quantile: 0.95, initial: '100ms' }, budget: retryBudget({ ratio: 0.1 }) }),
 * )
 * const answer = await catalogue.run(async ({ signal, attempt }) => {
 *   signal.throwIfAborted()
 *   return attempt === 1 ? 42 : 43
 * })
 * console.log(answer) // 42
 * ```
 */
export function hedge<R = unknown>(options: HedgeOptions<R>): Policy<R> {
  return new HedgePolicy(options)
}

const BUDGET = `${HEDGE}.budget`
/** `not_hedged`: the operation must not run twice, so it got one attempt and was not watched. */
const OUTCOMES: readonly (HedgeOutcome | 'not_hedged')[] = [
  'first_won',
  'hedge_won',
  'failed',
  'cancelled',
  'not_hedged',
]

class HedgePolicy<R> implements Policy<R> {
  readonly name: string
  readonly type = HEDGE
  settings: { readonly afterMs?: number }
  readonly countable: Countable = { outcomes: OUTCOMES }
  readonly #options: ChangeableOptions<HedgeOptions<R>>
  #hedging: HedgeSettings
  #calls = 0
  #hedges = 0
  #wins = 0

  constructor(options: HedgeOptions<R>) {
    this.#hedging = readHedgeOptions(options)
    this.name = this.#hedging.name
    this.#options = new ChangeableOptions(options, HEDGE)
    this.settings = comparedSettings(this.#hedging)
  }

  reconfigure(given: PolicyOptions, clock: Clock): OptionsChange {
    return this.#options.change(given, (options) => {
      const read = readHedgeOptions(options)
      checkBudgetClock(read.budget, clock, BUDGET)
      const settings = comparedSettings(read)
      const apply = (): void => {
        bindBudget(read.budget, clock, BUDGET)
        const { quantile } = this.#hedging.delay
        const stays = quantile !== undefined && read.delay.quantile?.isLike(quantile)
        this.#hedging = stays ? { ...read, delay: { ...read.delay, quantile } } : read
        this.settings = settings
      }
      return { apply, settings }
    })
  }

  status(now: number): PolicyStatus {
    const counters = { calls: this.#calls, hedges: this.#hedges, wins: this.#wins }
    const { delay } = this.#hedging
    return delay.quantile === undefined ? counters : { ...counters, delayMs: hedgeDelayMs(delay, now) }
  }

  check(inside: readonly PolicyFacts[], own: PolicyFacts = this): readonly Finding[] {
    return checkOrder(HEDGE_RULES, own, inside)
  }

  wrap(next: Run, binding: Binding = unbound(this)): Run {
    bindBudget(this.#hedging.budget, binding.clock, BUDGET)
    let rules = this.#rules(binding)
    return runOnCalls((call, operation) => {
      this.#calls += 1
      // A running call keeps the rules with which it began.
      if (rules.settings !== this.#hedging) rules = this.#rules(binding)
      const { budget } = rules.settings
      if (!mayHedge(operation, rules.settings)) {
        if (binding.events.hasExecutedListeners) emitExecuted(binding, HEDGE, 'not_hedged', 0)
        return next(call, operation)
      }
      // Only the first attempt of a call pays into the budget; later ones come from an outer retry.
      if (call.attempt === 1) budget?.deposit('attempt', binding.clock.now())
      return new HedgedCall(rules, next, call, operation).run()
    })
  }

  #rules(binding: Binding): HedgeRules {
    const { clock, events, shield, policy } = binding
    const settings = this.#hedging
    const { delay, budget } = settings
    return {
      policy,
      clock,
      settings,
      delayMs: (now) => hedgeDelayMs(delay, now),
      tryWithdraw: (now) => mayWithdraw(budget, now),
      onHedge: (attempt, delayMs) => {
        this.#hedges += 1
        if (events.hasListeners('hedge')) events.emit('hedge', { shield, policy, attempt, delayMs })
      },
      onWin: (hedge, latencyMs, durationMs, now) => {
        if (hedge !== undefined) {
          this.#wins += 1
          if (events.hasListeners('hedgeWon')) events.emit('hedgeWon', { shield, policy, attempt: hedge, durationMs })
        }
        if (latencyMs === undefined) return
        delay.quantile?.record(latencyMs, now)
        budget?.deposit('success', now)
      },
      onDecided: (outcome, attempts, durationMs, error) => {
        if (events.hasExecutedListeners) emitExecuted(binding, HEDGE, outcome, durationMs, error, attempts)
      },
    }
  }
}

/** What the checks of a shield compare. */
function comparedSettings({ delay }: HedgeSettings): { readonly afterMs?: number } {
  return delay.quantile === undefined ? { afterMs: delay.initialMs } : {}
}

/** A custom budget that fails pays for no hedge. The call has its first attempt, so it must not fail too. */
function mayWithdraw(budget: RetryBudget | undefined, now: number): boolean {
  if (budget === undefined) return true
  try {
    return synchronous(budget.tryWithdraw(now), `${BUDGET}.tryWithdraw`)
  } catch (error) {
    reportOnce(budget, error, BUDGET)
    return false
  }
}

function mayHedge(operation: Operation<unknown>, { unsafe }: HedgeSettings): boolean {
  const idempotency = idempotencyOf(operation)
  return idempotency === undefined || idempotency === 'safe' || (idempotency === 'idempotent' && unsafe)
}
