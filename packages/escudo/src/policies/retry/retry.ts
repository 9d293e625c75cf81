import type { Binding } from '../../core/binding.ts'
import type { Clock } from '../../core/clock.ts'
import type { Layer } from '../../core/engine/layer.ts'
import type { Countable } from '../../core/events/events.ts'
import type { OptionsChange, Policy, PolicyOptions, PolicyStatus } from '../../core/policy.ts'
import { bindBudget, checkBudgetClock } from '../shared/budget.ts'
import { ChangeableOptions } from '../shared/changeable-options.ts'
import { LayerPolicy } from '../shared/layer-policy.ts'
import { type OrderRule, RETRY_RULES } from '../shared/order-rules.ts'
import { type RetryCounters, retryLayer } from './frame.ts'
import { type RetryOptions, readRetry } from './options.ts'
import { OUTCOMES } from './outcomes.ts'
import { leastDelayMs, type RetryRules } from './state/next-delay.ts'

/**
 * Calls a failed operation again after a delay.
 *
 * Business errors, the caller's abort and errors with `retry: 'never'` are not retried. An abort during the delay settles
 * the call immediately, and the operation is not called again. A refusal by an inner policy is retried only if its
 * `retryAfterMs` fits into the next delay: a retry never waits for a circuit that stays open longer than that. A retry
 * that could not start before the call's deadline is not made. The last error is thrown unchanged; `attemptsOf(error)`
 * returns all failed attempts. If a classifier rejects a `Response`, its body is cancelled when the next attempt starts.
 * Semantics after Polly v8 and failsafe-go.
 *
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { exponential, retry, shield } from 'escudo'
 *
 * const inventory = shield('inventory', retry({ maxRetries: 2, backoff: exponential({ base: '1ms' }) }))
 * let calls = 0
 * const stock = await inventory.run(() => {
 *   calls += 1
 *   if (calls < 3) throw new Error('connection refused')
 *   return 42
 * })
 * console.log(stock, calls) // 42 3
 * ```
 */
export function retry<R = unknown>(options: RetryOptions<R> = {}): Policy<R> {
  return new RetryPolicy(options)
}

/** What the checks of a shield compare. */
interface Settings extends PolicyOptions {
  readonly maxRetries: number
  readonly leastDelayMs: number
}

const BUDGET = 'retry.budget'

class RetryPolicy<R> extends LayerPolicy implements Policy<R> {
  readonly name: string
  readonly type = 'retry'
  settings: Settings
  readonly countable: Countable = { outcomes: OUTCOMES }
  readonly #options: ChangeableOptions<RetryOptions<R>>
  #rules: RetryRules
  readonly #counters: RetryCounters = { calls: 0, retries: 0, exhausted: 0 }

  constructor(options: RetryOptions<R>) {
    super()
    const { name, rules } = readRetry(options)
    this.name = name
    this.#options = new ChangeableOptions(options, 'retry')
    this.#rules = rules
    this.settings = settingsOf(rules)
  }

  status(): PolicyStatus {
    return { ...this.#counters }
  }

  reconfigure(given: PolicyOptions, clock: Clock): OptionsChange {
    return this.#options.change(given, (options) => {
      const { rules } = readRetry(options)
      checkBudgetClock(rules.budget, clock, BUDGET)
      const settings = settingsOf(rules)
      const apply = (): void => {
        this.#rules = rules
        this.settings = settings
      }
      return { apply, settings }
    })
  }

  protected override get orderRules(): readonly OrderRule[] {
    return RETRY_RULES
  }

  layer(next: Layer, binding: Binding): Layer {
    bindBudget(this.#rules.budget, binding.clock, BUDGET)
    return retryLayer(next, binding, this.#rules, this.#counters)
  }
}

function settingsOf(rules: RetryRules): Settings {
  return { maxRetries: rules.maxRetries, leastDelayMs: leastDelayMs(rules) }
}
