import { type Duration, toMs } from '../../core/options/durations.ts'
import {
  checkedName,
  finiteNumber,
  knownKeys,
  optionalSyncFunction,
  trueOrFalse,
  wholeNumber,
} from '../../core/options/options.ts'
import type { Classify } from '../../core/outcome.ts'
import { optionalBudget } from '../shared/budget.ts'
import type { RetryBudget } from '../shared/state/retry-budget.ts'
import { type HedgeDelay, samplesMinOf } from './state/hedge-delay.ts'
import { LatencyQuantile } from './state/latency-quantile.ts'

/** Options of {@link hedge}. */
export interface HedgeOptions<R = unknown> {
  /**
   * How long to wait for an answer before the next attempt: a fixed duration, or a quantile of the latencies of the
   * successful calls in the last `window`.
   *
   * `quantile` is from 0.01 to 0.999; `window` is at least 1 s, default `'30s'`. `initial` is the delay until there are
   * enough samples: 20, or 2 / (1 − quantile) for a quantile above 0.9 (40 for 0.95).
   */
  readonly after: Duration | { readonly quantile: number; readonly initial: Duration; readonly window?: Duration }
  /** How many more attempts a call may make. Default 1, at most 10. */
  readonly maxHedges?: number
  /**
   * A {@link retryBudget} that pays for hedges, possibly shared with other policies: if it is empty, no hedge is made.
   * Default: none, `maxHedges` alone limits.
   */
  readonly budget?: RetryBudget
  /**
   * `true` hedges all idempotent requests of `resilientFetch`: also PUT, DELETE and requests with an `Idempotency-Key`.
   * Default false: only GET, HEAD and OPTIONS.
   */
  readonly unsafe?: boolean
  /**
   * What counts as a failure, which starts the next hedge; must be synchronous. Default: every thrown error except
   * business errors.
   *
   * If all attempts fail, the call gets the outcome of the last one, which may be a rejected value. A rejected value that
   * no caller gets is released: the body of a `Response` is cancelled.
   */
  readonly classify?: Classify<R>
  /** Default: `hedge`. */
  readonly name?: string
}

/** The options of a hedge, checked and with their defaults. */
export interface HedgeSettings {
  readonly name: string
  readonly delay: HedgeDelay
  readonly maxHedges: number
  readonly budget: RetryBudget | undefined
  readonly unsafe: boolean
  readonly classify: Classify | undefined
}

/** The name of the policy's type, and the first part of its options' paths. */
export const HEDGE = 'hedge'
const MAX_HEDGES = 10

/**
 * Reads the options of a hedge.
 *
 * @throws ConfigurationError for an option that cannot work
 */
export function readHedgeOptions<R>(options: HedgeOptions<R>): HedgeSettings {
  knownKeys(options, HEDGE, ['after', 'maxHedges', 'budget', 'unsafe', 'classify', 'name'])
  return {
    name: checkedName(options.name ?? HEDGE, `${HEDGE}.name`),
    delay: readDelay(options.after),
    maxHedges: wholeNumber(options.maxHedges ?? 1, `${HEDGE}.maxHedges`, 1, MAX_HEDGES),
    budget: optionalBudget(options.budget, `${HEDGE}.budget`),
    unsafe: trueOrFalse(options.unsafe ?? false, `${HEDGE}.unsafe`),
    classify: optionalSyncFunction(options.classify, `${HEDGE}.classify`) as Classify | undefined,
  }
}

function readDelay(after: HedgeOptions['after']): HedgeDelay {
  const path = `${HEDGE}.after`
  if (typeof after !== 'object' || after === null) {
    return { initialMs: toMs(after, path), quantile: undefined, samplesMin: 0 }
  }
  knownKeys(after, path, ['quantile', 'initial', 'window'])
  const quantile = finiteNumber(after.quantile, `${path}.quantile`, 0.01, 0.999)
  const windowMs = toMs(after.window ?? '30s', `${path}.window`, 1_000)
  return {
    initialMs: toMs(after.initial, `${path}.initial`),
    quantile: new LatencyQuantile(quantile, windowMs),
    samplesMin: samplesMinOf(quantile),
  }
}
