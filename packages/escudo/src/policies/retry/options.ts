import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { type Duration, show, toMs } from '../../core/options/durations.ts'
import {
  checkedName,
  knownKeys,
  optionalFunction,
  optionalSyncFunction,
  wholeNumber,
} from '../../core/options/options.ts'
import type { Classify } from '../../core/outcome.ts'
import { synchronous } from '../../errors/options/synchronous.ts'
import { optionalBudget } from '../shared/budget.ts'
import type { RetryBudget } from '../shared/state/retry-budget.ts'
import { type Backoff, exponential } from './state/backoff.ts'
import type { RetryRules } from './state/next-delay.ts'

/** Options of `retry`. */
export interface RetryOptions<R = unknown> {
  /** How many times the operation is called again; the first call is not counted. Default 2. */
  readonly maxRetries?: number
  /** The delay before each retry. Default `exponential()`: from 200 ms to 10 s, full jitter. */
  readonly backoff?: Backoff
  /** What counts as a failure; must be synchronous. Default: every thrown error except business errors. */
  readonly classify?: Classify<R>
  /**
   * No retry starts later than this after the start of the first attempt, even if the event loop was blocked. Default: no
   * limit.
   */
  readonly maxTotal?: Duration
  /**
   * Whether an error's `retryAfterMs` (the dependency's `Retry-After`) replaces the backoff's delay, and the longest
   * delay that it may set. Default `{ max: '60s' }`; `false` ignores it.
   */
  readonly retryAfter?: false | { readonly max: Duration }
  /**
   * Pays for the retries; made by {@link retryBudget}. If it is empty, no retry is made. Share one budget between all
   * policies that call the same dependency, so that together they cannot multiply the load on it while it is down.
   * Default: none; only `maxRetries` limits the retries.
   */
  readonly budget?: RetryBudget
  /**
   * Releases what a rejected value holds, such as a connection. Called with each value that `classify` rejected and that a
   * later attempt replaces, or that the caller no longer waits for.
   *
   * The body of a `Response` and other streams are released without it. An error in it is reported once.
   */
  readonly onRejectedValue?: (value: R) => unknown
  /** The name in events, errors and the status. Default: `retry`. */
  readonly name?: string
}

const PATH = 'retry'
const KNOWN: readonly (keyof RetryOptions)[] = [
  'maxRetries',
  'backoff',
  'classify',
  'maxTotal',
  'retryAfter',
  'budget',
  'onRejectedValue',
  'name',
]

/** Reads all options of a retry. */
export function readRetry<R>(options: RetryOptions<R>): { readonly name: string; readonly rules: RetryRules } {
  knownKeys(options, PATH, KNOWN)
  return {
    name: checkedName(options.name ?? PATH, `${PATH}.name`),
    rules: {
      maxRetries: wholeNumber(options.maxRetries ?? 2, `${PATH}.maxRetries`, 0),
      backoff: checkedBackoff(options.backoff ?? exponential()),
      classify: optionalSyncFunction(options.classify, `${PATH}.classify`) as Classify | undefined,
      maxTotalMs:
        options.maxTotal === undefined ? Number.POSITIVE_INFINITY : toMs(options.maxTotal, `${PATH}.maxTotal`),
      retryAfterMaxMs: readRetryAfter(options.retryAfter ?? { max: '60s' }),
      budget: optionalBudget(options.budget, `${PATH}.budget`),
      onRejectedValue: optionalFunction(
        options.onRejectedValue,
        `${PATH}.onRejectedValue`,
      ) as RetryRules['onRejectedValue'],
    },
  }
}

function checkedBackoff(backoff: Backoff): Backoff {
  if (typeof backoff?.delayMs === 'function') return { delayMs: (...args) => checkedDelay(backoff.delayMs(...args)) }
  throw new ConfigurationError(
    `${PATH}.backoff`,
    `expected constant(…), linear(…) or exponential(…), got ${show(backoff)}`,
  )
}

/** A custom backoff may return anything. An odd number makes no call hang, except Infinity; anything else is a mistake. */
function checkedDelay(delayMs: unknown): number {
  if (typeof delayMs === 'number' && delayMs !== Number.POSITIVE_INFINITY) return delayMs
  const path = `${PATH}.backoff.delayMs`
  throw new ConfigurationError(path, `expected a finite number, but it returned ${show(synchronous(delayMs, path))}`)
}

function readRetryAfter(retryAfter: NonNullable<RetryOptions['retryAfter']>): number {
  if (retryAfter === false) return -1
  knownKeys(retryAfter, `${PATH}.retryAfter`, ['max'])
  return toMs(retryAfter.max, `${PATH}.retryAfter.max`)
}
