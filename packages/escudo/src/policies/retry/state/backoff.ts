import { ConfigurationError } from '../../../core/options/configuration-error.ts'
import { type Duration, show, toMs } from '../../../core/options/durations.ts'
import { finiteNumber, knownKeys, oneOf } from '../../../core/options/options.ts'
import type { Backoff } from '../../shared/state/backoff.ts'

export type { Backoff } from '../../shared/state/backoff.ts'

/** How delays are randomised, so that clients that failed at the same time do not retry at the same time. */
export type Jitter = 'none' | 'full' | 'equal' | 'decorrelated'

const JITTERS = ['none', 'full', 'equal', 'decorrelated'] as const

/**
 * A backoff with the same delay before each retry.
 *
 * @param delay the delay
 * @throws ConfigurationError for an invalid duration
 * @example
 * ```ts
 * import { constant, retry } from 'escudo'
 *
 * const policy = retry({ backoff: constant('1s') })
 * ```
 */
export function constant(delay: Duration): Backoff {
  const ms = toMs(delay, 'constant.delay')
  return { delayMs: () => ms }
}

/**
 * A backoff that grows by the same step each time.
 *
 * The delays are base, base + step, base + 2 · step, and so on, up to `max`.
 *
 * @param options.base the first delay
 * @param options.step how much longer each further delay is
 * @param options.max the longest delay
 * @throws ConfigurationError for an invalid duration, or a `max` below `base`
 * @example
 * ```ts
 * import { linear, retry } from 'escudo'
 *
 * const policy = retry({ maxRetries: 5, backoff: linear({ base: '100ms', step: '100ms', max: '1s' }) })
 * ```
 */
export function linear(options: { readonly base: Duration; readonly step: Duration; readonly max: Duration }): Backoff {
  knownKeys(options, 'linear', ['base', 'step', 'max'])
  const baseMs = toMs(options.base, 'linear.base')
  const stepMs = toMs(options.step, 'linear.step')
  const maxMs = atLeast(toMs(options.max, 'linear.max'), baseMs, 'linear.max', 'linear.base')
  return { delayMs: (retry) => Math.min(maxMs, baseMs + stepMs * retry) }
}

/** Options of {@link exponential}. */
export interface ExponentialOptions {
  /** The first delay, before jitter. Default `'200ms'`. */
  readonly base?: Duration
  /** Each delay is the previous one times this factor. At least 1. Default 2. */
  readonly factor?: number
  /** The longest delay. Default `'10s'`. */
  readonly max?: Duration
  /** How the delays are randomised. Default `'full'`. */
  readonly jitter?: Jitter
}

/**
 * A backoff that grows by a factor each time, with jitter.
 *
 * With `cap = min(max, base · factor^n)` for retry n, counted from 0, the delay is:
 *
 * - `full`: random, from 0 to cap
 * - `equal`: half of cap, plus a random part of the other half
 * - `decorrelated`: random, from base to three times the previous delay, at most max
 * - `none`: cap
 *
 * Names and formulas after Marc Brooker's "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
 *
 * @throws ConfigurationError for an invalid option, or a `max` below `base`
 * @example
 * ```ts
 * import { exponential, retry } from 'escudo'
 *
 * const policy = retry({ maxRetries: 3, backoff: exponential({ base: '100ms', max: '2s' }) })
 * ```
 */
export function exponential(options: ExponentialOptions = {}): Backoff {
  knownKeys(options, 'exponential', ['base', 'factor', 'max', 'jitter'])
  const baseMs = toMs(options.base ?? '200ms', 'exponential.base')
  const factor = finiteNumber(options.factor ?? 2, 'exponential.factor', 1)
  const maxMs = atLeast(toMs(options.max ?? '10s', 'exponential.max'), baseMs, 'exponential.max', 'exponential.base')
  const jitter = oneOf(options.jitter ?? 'full', 'exponential.jitter', JITTERS)
  // factor^n may overflow to Infinity; the minimum limits it to max. 0 · Infinity would be NaN, so base 0 is special.
  const capMs = (retry: number): number => (baseMs === 0 ? 0 : Math.min(maxMs, baseMs * factor ** retry))
  switch (jitter) {
    case 'none':
      return { delayMs: capMs }
    case 'full':
      return { delayMs: (retry, random) => random() * capMs(retry) }
    case 'equal':
      return { delayMs: (retry, random) => (capMs(retry) * (1 + random())) / 2 }
    case 'decorrelated':
      return {
        delayMs: (_retry, random, previousMs = baseMs) =>
          Math.min(maxMs, baseMs + random() * (Math.max(baseMs, 3 * previousMs) - baseMs)),
      }
  }
}

function atLeast(valueMs: number, leastMs: number, path: string, leastPath: string): number {
  if (valueMs < leastMs) {
    throw new ConfigurationError(path, `expected at least ${leastPath} (${leastMs} ms), got ${show(valueMs)} ms`)
  }
  return valueMs
}
