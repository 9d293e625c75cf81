import type { Binding } from '../../core/binding.ts'
import { runOnCalls } from '../../core/engine/custom-policy.ts'
import { type Countable, reportOnce } from '../../core/events/events.ts'
import { idempotencyOf } from '../../core/idempotency.ts'
import type { Operation, Run } from '../../core/operation.ts'
import { type Finding, type Policy, type PolicyFacts, type PolicyStatus, unbound } from '../../core/policy.ts'
import { synchronous } from '../../errors/options/synchronous.ts'
import { bindBudget } from '../shared/budget.ts'
import { emitExecuted } from '../shared/executed.ts'
import { checkOrder } from '../shared/order-rules.ts'
import type { RetryBudget } from '../shared/state/retry-budget.ts'
import { HedgedCall, type HedgeOutcome, type HedgeRules } from './hedged-call.ts'
import { HEDGE, type HedgeOptions, readHedgeOptions } from './options.ts'
import { type HedgeDelay, hedgeDelayMs } from './state/hedge-delay.ts'

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
 * - An outcome that is not a failure, such as a business error, is an answer and ends the call.
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
export function hedge(options: HedgeOptions): Policy {
  return new HedgePolicy(options)
}

/** `not_hedged`: the operation must not run twice, so it got one attempt and was not watched. */
const OUTCOMES: readonly (HedgeOutcome | 'not_hedged')[] = [
  'first_won',
  'hedge_won',
  'failed',
  'cancelled',
  'not_hedged',
]

class HedgePolicy implements Policy {
  readonly name: string
  readonly type = HEDGE
  readonly settings: { readonly afterMs?: number }
  readonly countable: Countable = { outcomes: OUTCOMES }
  readonly #delay: HedgeDelay
  readonly #maxHedges: number
  readonly #budget: RetryBudget | undefined
  readonly #unsafe: boolean
  #calls = 0
  #hedges = 0
  #wins = 0

  constructor(options: HedgeOptions) {
    const { name, delay, maxHedges, budget, unsafe } = readHedgeOptions(options)
    this.name = name
    this.#delay = delay
    this.#maxHedges = maxHedges
    this.#budget = budget
    this.#unsafe = unsafe
    this.settings = delay.quantile === undefined ? { afterMs: delay.initialMs } : {}
  }

  status(now: number): PolicyStatus {
    const counters = { calls: this.#calls, hedges: this.#hedges, wins: this.#wins }
    if (this.#delay.quantile === undefined) return counters
    return { ...counters, delayMs: hedgeDelayMs(this.#delay, now) }
  }

  check(inside: readonly PolicyFacts[], own: PolicyFacts = this): readonly Finding[] {
    return checkOrder(own, inside)
  }

  wrap(next: Run, binding: Binding = unbound(this)): Run {
    bindBudget(this.#budget, binding.clock, `${HEDGE}.budget`)
    const rules = this.#rules(binding)
    return runOnCalls((call, operation) => {
      this.#calls += 1
      if (!this.#mayHedge(operation)) {
        if (binding.events.hasExecutedListeners) emitExecuted(binding, HEDGE, 'not_hedged')
        return next(call, operation)
      }
      // Only the first attempt of a call pays into the budget; later ones come from an outer retry.
      if (call.attempt === 1) this.#budget?.deposit('attempt', binding.clock.now())
      return new HedgedCall(rules, next, call, operation).run()
    })
  }

  #rules(binding: Binding): HedgeRules {
    const { clock, events, shield, policy } = binding
    return {
      policy,
      clock,
      maxHedges: this.#maxHedges,
      delayMs: (now) => hedgeDelayMs(this.#delay, now),
      tryWithdraw: (now) => this.#mayWithdraw(now),
      onHedge: (attempt, delayMs) => {
        this.#hedges += 1
        if (events.hasListeners('hedge')) events.emit('hedge', { shield, policy, attempt, delayMs })
      },
      onWin: (byHedge, latencyMs, now) => {
        if (byHedge) this.#wins += 1
        if (latencyMs === undefined) return
        this.#delay.quantile?.record(latencyMs, now)
        this.#budget?.deposit('success', now)
      },
      onDecided: (outcome, attempts) => {
        if (events.hasExecutedListeners) emitExecuted(binding, HEDGE, outcome, attempts)
      },
    }
  }

  /** A custom budget that fails pays for no hedge. The call has its first attempt, so it must not fail too. */
  #mayWithdraw(now: number): boolean {
    const budget = this.#budget
    if (budget === undefined) return true
    try {
      return synchronous(budget.tryWithdraw(now), `${HEDGE}.budget.tryWithdraw`)
    } catch (error) {
      reportOnce(budget, error, `${HEDGE}.budget`)
      return false
    }
  }

  #mayHedge(operation: Operation<unknown>): boolean {
    const idempotency = idempotencyOf(operation)
    return idempotency === undefined || idempotency === 'safe' || (idempotency === 'idempotent' && this.#unsafe)
  }
}
