import { ConfigurationError } from '../../../../core/options/configuration-error.ts'
import { type Duration, show, toMs } from '../../../../core/options/durations.ts'
import { knownKeys, share, wholeNumber } from '../../../../core/options/options.ts'
import { bucketLength, TimeWindow } from '../../../shared/state/time-window.ts'
import type { Window } from '../../../shared/state/window.ts'
import { ConsecutiveRule } from './consecutive-rule.ts'
import { CountWindow } from './count-window.ts'
import { RateRule, type RateSettings } from './rate-rule.ts'
import type { Trip } from './trip-rule.ts'

const CALLS_MAX = 1_000_000

/** A window of the last calls, without a time limit. */
export interface CallWindow {
  /** The number of calls, from 1 to 1 000 000. */
  readonly calls: number
}

/**
 * Opens the circuit after `n` failures in a row; a success resets the count.
 *
 * @throws ConfigurationError if `n` is not a whole number of at least 1
 * @example
 * ```ts
 * import { circuitBreaker, consecutive } from 'escudo'
 *
 * const breaker = circuitBreaker({ trip: consecutive(3), openFor: '10s' })
 * ```
 */
export function consecutive(n: number): Trip {
  const threshold = wholeNumber(n, 'consecutive.n', 1)
  const settings = { threshold, reason: `${threshold} consecutive failures` }
  return { reasons: [settings.reason], create: () => new ConsecutiveRule(settings) }
}

/** Options of {@link failureRate}. */
export interface FailureRateOptions {
  /** The circuit opens when the share of failed (or slow) calls reaches this. Above 0, at most 1. Default 0.5. */
  readonly threshold?: number
  /** A duration, or the number of last calls: `{ calls: 100 }`. Default `'30s'`. */
  readonly window?: Duration | CallWindow
  /** The circuit does not open with fewer calls than this in the window. Default 20. */
  readonly minimumCalls?: number
}

/**
 * Opens the circuit when the share of failures in a sliding window reaches a threshold.
 *
 * A time window slides in twentieths of its length. Semantics after resilience4j's and Polly v8's failure ratio.
 *
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { circuitBreaker, failureRate } from 'escudo'
 *
 * const breaker = circuitBreaker({ trip: failureRate({ threshold: 0.5, window: '30s', minimumCalls: 20 }) })
 * ```
 */
export function failureRate(options: FailureRateOptions = {}): Trip {
  knownKeys(options, 'failureRate', ['threshold', 'window', 'minimumCalls'])
  const settings = readRate(options, 'failureRate', 'failure rate', undefined)
  return { reasons: [settings.reason], ...minimumOf(options), create: () => new RateRule(settings) }
}

/** Options of {@link slowCallRate}. */
export interface SlowCallRateOptions extends FailureRateOptions {
  /** A call that takes longer than this is slow. 0 is allowed. */
  readonly slowerThan: Duration
}

/**
 * Opens the circuit when the share of slow calls in a sliding window reaches a threshold.
 *
 * Slow successes and slow failures are slow; a fast failure is not. A call that is still in flight counts as soon as it
 * has taken longer than `slowerThan`, and its outcome does not count again. To count failures too, combine both:
 * `anyTrip(failureRate(), slowCallRate({ … }))`. While half-open, a slow probe counts as failed. The status field
 * `failures` is the number of slow calls in the window. Semantics after resilience4j's slow call rate.
 *
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { circuitBreaker, slowCallRate } from 'escudo'
 *
 * const breaker = circuitBreaker({ trip: slowCallRate({ threshold: 0.5, slowerThan: '2s', window: '30s' }) })
 * ```
 */
export function slowCallRate(options: SlowCallRateOptions): Trip {
  knownKeys(options, 'slowCallRate', ['threshold', 'slowerThan', 'window', 'minimumCalls'])
  const slowerThanMs = toMs(options.slowerThan, 'slowCallRate.slowerThan')
  const settings = readRate(options, 'slowCallRate', 'slow call rate', slowerThanMs)
  return {
    reasons: [settings.reason],
    slowerThanMs,
    ...minimumOf(options),
    create: () => new RateRule(settings),
  }
}

function readRate(
  options: FailureRateOptions,
  path: string,
  name: string,
  slowerThanMs: number | undefined,
): RateSettings {
  const threshold = share(options.threshold ?? 0.5, `${path}.threshold`)
  const minimumCalls = wholeNumber(options.minimumCalls ?? 20, `${path}.minimumCalls`, 1)
  const window = options.window ?? '30s'
  const makeWindow = windowMaker(window, minimumCalls, path)
  const windowText = typeof window === 'object' ? `${window.calls} calls` : `${toMs(window, path)} ms`
  const reason = `${name} of ${percent(threshold)} %`
  return { reason, threshold, minimumCalls, slowerThanMs, makeWindow, windowText }
}

function minimumOf({ window = '30s', minimumCalls = 20 }: FailureRateOptions): Pick<Trip, 'minimum'> {
  if (typeof window === 'object') return {}
  return { minimum: { calls: minimumCalls, withinMs: toMs(window, 'window') } }
}

function windowMaker(window: Duration | CallWindow, minimumCalls: number, path: string): () => Window {
  if (typeof window !== 'object' || window === null) {
    const length = bucketLength(toMs(window, `${path}.window`, 1))
    return () => new TimeWindow(length)
  }
  knownKeys(window, `${path}.window`, ['calls'])
  const size = wholeNumber(window.calls, `${path}.window.calls`, 1, CALLS_MAX)
  if (minimumCalls > size) {
    throw new ConfigurationError(
      `${path}.minimumCalls`,
      `expected at most the window's ${size} calls, got ${show(minimumCalls)}: the circuit could never open`,
    )
  }
  return () => new CountWindow(size)
}

/** A share in percent, without the binary rounding error: 0.07 * 100 is slightly more than 7. */
function percent(share: number): number {
  return Number((share * 100).toPrecision(12))
}
