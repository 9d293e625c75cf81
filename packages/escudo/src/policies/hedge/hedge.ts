import type { Binding } from '../../core/binding.ts'
import { idempotencyOf } from '../../core/idempotency.ts'
import type { Operation, Run } from '../../core/operation.ts'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { type Duration, show, toMs } from '../../core/options/durations.ts'
import { checkedName, finiteNumber, knownKeys, wholeNumber } from '../../core/options/options.ts'
import { type Finding, type Policy, type PolicyFacts, type PolicyStatus, unbound } from '../../core/policy.ts'
import { bindBudget, optionalBudget } from '../shared/budget.ts'
import { checkOrder } from '../shared/order-rules.ts'
import type { RetryBudget } from '../shared/state/retry-budget.ts'
import { HedgedCall, type HedgeRules } from './hedged-call.ts'
import { LatencyQuantile } from './state/latency-quantile.ts'

/** Options of {@link hedge}. */
export interface HedgeOptions {
  /**
   * How long to wait for an answer before the next attempt: always the same, or as long as the share `quantile` of the
   * successful calls of the last `window` (default `'30s'`) took. `initial` is the delay until there are enough of them:
   * 20, and 2 / (1 − quantile) for a quantile above 0.9, so 40 for 0.95.
   */
  readonly after: Duration | { readonly quantile: number; readonly initial: Duration; readonly window?: Duration }
  /** How many further attempts a call may make. Default 1, at most 10. */
  readonly maxHedges?: number
  /** What pays for them, shared with others: no budget, no hedge. Default: as many as `maxHedges` says. */
  readonly budget?: RetryBudget
  /**
   * Under `resilientFetch` only GET, HEAD and OPTIONS are hedged. `true`: also what may be sent twice, which is PUT,
   * DELETE and what carries an `Idempotency-Key`. Default false.
   */
  readonly unsafe?: boolean
  /** Default: `hedge`. */
  readonly name?: string
}

/**
 * Makes a second attempt when the first takes long, and takes whichever answers first: the slowest calls become as fast
 * as two ordinary ones. For operations that may run twice at the same time, and for dependencies that are slow now and
 * then, not always.
 *
 * The first success wins; the others are aborted, and nobody waits for them. A failure sends the next hedge at once. An
 * outcome that is no failure, such as a business error, is an answer and ends the call. A refusal by a policy further in
 * ends the hedging, and is thrown only where no attempt has failed. When all have failed, the failure that came last is
 * thrown; `attemptsOf(error)` gives all of them. A loser counts neither way for the policies inside. A hedge that could
 * not begin before the call's deadline is not made. Semantics after "The Tail at Scale" (Dean and Barroso, CACM 2013),
 * gRPC A6 and failsafe-go.
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

const PATH = 'hedge'
const MAX_HEDGES = 10
const SAMPLES_MIN = 20

class HedgePolicy implements Policy {
  readonly name: string
  readonly type = PATH
  readonly settings: { readonly afterMs?: number }
  readonly #delay: Delay
  readonly #maxHedges: number
  readonly #budget: RetryBudget | undefined
  readonly #unsafe: boolean
  #calls = 0
  #hedges = 0
  #wins = 0

  constructor(options: HedgeOptions) {
    knownKeys(options, PATH, ['after', 'maxHedges', 'budget', 'unsafe', 'name'])
    this.name = checkedName(options.name ?? PATH, `${PATH}.name`)
    this.#delay = readDelay(options.after)
    this.#maxHedges = wholeNumber(options.maxHedges ?? 1, `${PATH}.maxHedges`, 1, MAX_HEDGES)
    this.#budget = optionalBudget(options.budget, `${PATH}.budget`)
    this.#unsafe = readUnsafe(options.unsafe ?? false)
    this.settings = this.#delay.quantile === undefined ? { afterMs: this.#delay.initialMs } : {}
  }

  status(now: number): PolicyStatus {
    const counted = { calls: this.#calls, hedges: this.#hedges, wins: this.#wins }
    return this.#delay.quantile === undefined ? counted : { ...counted, delayMs: delayMs(this.#delay, now) }
  }

  check(inside: readonly PolicyFacts[]): readonly Finding[] {
    return checkOrder(this, inside)
  }

  wrap(next: Run, binding: Binding = unbound(this)): Run {
    bindBudget(this.#budget, binding.clock, `${PATH}.budget`)
    const rules = this.#rules(binding)
    return (call, operation) => {
      this.#calls += 1
      if (!this.#mayHedge(operation)) return next(call, operation)
      // A retry further out has paid in for the first attempt of all.
      if (call.attempt === 1) this.#budget?.deposit('attempt', binding.clock.now())
      return new HedgedCall(rules, next, call, operation).run()
    }
  }

  #rules({ clock, events, shield, policy }: Binding): HedgeRules {
    return {
      policy,
      clock,
      maxHedges: this.#maxHedges,
      delayMs: (now) => delayMs(this.#delay, now),
      tryPay: (now) => this.#budget?.tryWithdraw(now) ?? true,
      begins: (attempt, heldBackMs) => {
        this.#hedges += 1
        if (events.hasListeners('hedge')) events.emit('hedge', { shield, policy, attempt, delayMs: heldBackMs })
      },
      won: (byHedge, latencyMs, now) => {
        if (byHedge) this.#wins += 1
        if (latencyMs === undefined) return
        this.#delay.quantile?.record(latencyMs, now)
        this.#budget?.deposit('success', now)
      },
    }
  }

  #mayHedge(operation: Operation<unknown>): boolean {
    const repeat = idempotencyOf(operation)
    return repeat === undefined || repeat === 'safe' || (repeat === 'idempotent' && this.#unsafe)
  }
}

interface Delay {
  /** The delay where there is no quantile, or not enough of it. */
  readonly initialMs: number
  readonly quantile: LatencyQuantile | undefined
  readonly samplesMin: number
}

function delayMs({ initialMs, quantile, samplesMin }: Delay, now: number): number {
  if (quantile === undefined || quantile.samples(now) < samplesMin) return initialMs
  return quantile.valueMs(now) ?? initialMs
}

function readDelay(after: HedgeOptions['after']): Delay {
  const path = `${PATH}.after`
  if (typeof after !== 'object' || after === null) {
    return { initialMs: toMs(after, path), quantile: undefined, samplesMin: 0 }
  }
  knownKeys(after, path, ['quantile', 'initial', 'window'])
  const quantile = finiteNumber(after.quantile, `${path}.quantile`, 0.01, 0.999)
  const windowMs = toMs(after.window ?? '30s', `${path}.window`, 1_000)
  return {
    initialMs: toMs(after.initial, `${path}.initial`),
    quantile: new LatencyQuantile(quantile, windowMs),
    // With fewer, the quantile would be little more than the slowest call of all. Rounded, since 1 − 0.95 is not 0.05.
    samplesMin: Math.max(SAMPLES_MIN, Math.ceil(2 / (1 - quantile) - 1e-6)),
  }
}

function readUnsafe(unsafe: unknown): boolean {
  if (typeof unsafe === 'boolean') return unsafe
  throw new ConfigurationError(`${PATH}.unsafe`, `expected true or false, got ${show(unsafe)}`)
}
