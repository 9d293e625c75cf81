import type { Binding } from '../../core/binding.ts'
import type { Layer } from '../../core/engine/layer.ts'
import type { Countable } from '../../core/events/events.ts'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { type Duration, show, toMs } from '../../core/options/durations.ts'
import { checkedName, knownKeys, optionalFunction, wholeNumber } from '../../core/options/options.ts'
import type { Classify } from '../../core/outcome.ts'
import { LAYER, type Policy, type PolicyStatus } from '../../core/policy.ts'
import { bindBudget, optionalBudget } from '../shared/budget.ts'
import { LayerPolicy } from '../shared/layer-policy.ts'
import type { RetryBudget } from '../shared/state/retry-budget.ts'
import { OUTCOMES, type RetryCounters, retryLayer } from './frame.ts'
import { type Backoff, exponential } from './state/backoff.ts'
import type { RetryRules } from './state/next-delay.ts'

/** Options of {@link retry}. */
export interface RetryOptions<R = unknown> {
  /** How often the operation is called again after its first failure. Default 2. */
  readonly maxRetries?: number
  /** How long to wait before each retry. Default `exponential()`: from 200 ms to 10 s, full jitter. */
  readonly backoff?: Backoff
  /** What counts as a failure. Default: what is thrown, but for business errors. */
  readonly classify?: Classify<R>
  /** No retry begins that much after the first attempt began. Default: no limit but the attempts. */
  readonly maxTotal?: Duration
  /**
   * Whether an error's `retryAfterMs` (the dependency's `Retry-After`) replaces the backoff's delay, and how long it
   * may be at most. Default `{ max: '60s' }`; `false` ignores it.
   */
  readonly retryAfter?: false | { readonly max: Duration }
  /**
   * What pays for retries, shared with others, so that all together cannot multiply the load on a dependency that is
   * down. Made by {@link retryBudget}; where it is empty, there is no retry. Default: as many as `maxRetries` says.
   */
  readonly budget?: RetryBudget
  /** Default: `retry`. */
  readonly name?: string
}

/**
 * Calls an operation again when it failed, after a delay.
 *
 * A business error, the caller's abort and an error that says `retry: 'never'` are not retried. An abort during the
 * delay settles at once, and the operation is not called again. A refusal by a policy further in is retried only when
 * its `retryAfterMs` fits into the next delay: nobody sleeps through an open circuit. A retry that could not begin
 * before the call's deadline is not made. The last error is thrown as it is; `attemptsOf(error)` gives all of them.
 * Semantics after Polly v8 and failsafe-go.
 *
 * @throws ConfigurationError for an option that cannot work
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

class RetryPolicy<R> extends LayerPolicy implements Policy<R> {
  readonly name: string
  readonly type = 'retry'
  readonly settings: { readonly maxRetries: number; readonly leastDelayMs: number }
  readonly countable: Countable = { outcomes: OUTCOMES }
  readonly #rules: RetryRules
  readonly #counters: RetryCounters = { calls: 0, retries: 0, exhausted: 0 }

  constructor(options: RetryOptions<R>) {
    super()
    knownKeys(options, 'retry', ['maxRetries', 'backoff', 'classify', 'maxTotal', 'retryAfter', 'budget', 'name'])
    this.name = checkedName(options.name ?? 'retry', 'retry.name')
    this.#rules = {
      maxRetries: wholeNumber(options.maxRetries ?? 2, 'retry.maxRetries', 0),
      backoff: checkedBackoff(options.backoff ?? exponential()),
      classify: optionalFunction(options.classify, 'retry.classify') as Classify | undefined,
      maxTotalMs: options.maxTotal === undefined ? Number.POSITIVE_INFINITY : toMs(options.maxTotal, 'retry.maxTotal'),
      retryAfterMaxMs: readRetryAfter(options.retryAfter ?? { max: '60s' }),
      budget: optionalBudget(options.budget, 'retry.budget'),
    }
    const { maxRetries, backoff } = this.#rules
    this.settings = { maxRetries, leastDelayMs: maxRetries === 0 ? 0 : leastDelayMs(backoff) }
  }

  status(): PolicyStatus {
    return { ...this.#counters }
  }

  [LAYER](next: Layer, binding: Binding): Layer {
    bindBudget(this.#rules.budget, binding.clock, 'retry.budget')
    return retryLayer(next, binding, this.#rules, this.#counters)
  }
}

/** The first delay when chance is kindest. A backoff of somebody's own may throw, or say anything: then nothing is known. */
function leastDelayMs(backoff: Backoff): number {
  try {
    return backoff.delayMs(0, () => 0, undefined)
  } catch {
    return 0
  }
}

function checkedBackoff(backoff: Backoff): Backoff {
  if (typeof backoff?.delayMs === 'function') return backoff
  throw new ConfigurationError(
    'retry.backoff',
    `expected constant(…), linear(…) or exponential(…), got ${show(backoff)}`,
  )
}

function readRetryAfter(retryAfter: NonNullable<RetryOptions['retryAfter']>): number {
  if (retryAfter === false) return -1
  knownKeys(retryAfter, 'retry.retryAfter', ['max'])
  return toMs(retryAfter.max, 'retry.retryAfter.max')
}
