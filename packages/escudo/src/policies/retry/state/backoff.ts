import { ConfigurationError } from '../../../core/options/configuration-error.ts'
import { type Duration, show, toMs } from '../../../core/options/durations.ts'
import { finiteNumber, knownKeys, oneOf } from '../../../core/options/options.ts'
import type { Random } from '../../../core/random.ts'

/** How long to wait before the next attempt: a pure rule, made by {@link constant}, {@link linear} or {@link exponential}. */
export interface Backoff {
  /**
   * @param retry which retry it is, from 0
   * @param random the call's source of chance
   * @param previousMs the delay before, or undefined at the first
   * @returns milliseconds
   */
  delayMs(retry: number, random: Random, previousMs: number | undefined): number
}

/** How a delay is spread, so that clients that failed together do not come back together. */
export type Jitter = 'none' | 'full' | 'equal' | 'decorrelated'

const JITTERS = ['none', 'full', 'equal', 'decorrelated'] as const

/**
 * The same delay each time.
 *
 * @param delay the delay
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
 * A delay that grows by the same step each time: base, base + step, base + 2 · step, up to `max`.
 *
 * @param options.base the first delay
 * @param options.step what each further one adds
 * @param options.max no delay is longer
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
  /** What each delay is multiplied by for the next. Default 2. */
  readonly factor?: number
  /** No delay is longer. Default `'10s'`. */
  readonly max?: Duration
  /** Default `'full'`. */
  readonly jitter?: Jitter
}

/**
 * A delay that grows by a factor each time, with jitter. With `cap = min(max, base · factor^n)`: `full` draws from 0 to
 * cap, `equal` keeps half of cap and draws the other half, `decorrelated` draws from base to three times the previous
 * delay, at most max, and `none` takes cap as it is. Names and formulas after Marc Brooker's "Exponential Backoff And
 * Jitter" (AWS Architecture Blog, 2015).
 *
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
  // factor^n overflows to Infinity in the end; the minimum brings it back. With base 0 it would be NaN: 0 stays 0.
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
