import { ConfigurationError } from '../core/configuration-error.ts'
import { type Duration, show, toMs } from '../core/durations.ts'
import { knownKeys, share, wholeNumber } from '../core/options.ts'
import { CountWindow, TimeWindow, type Window } from './window.ts'

/** What decides that a circuit opens: a rule that is fed with outcomes. */
export interface TripRule {
  /** Takes an outcome in, and tells whether the circuit must open now. */
  record(failed: boolean, now: number): boolean
  /** What the snapshot shows as `failures`: consecutive ones, or those within the window. */
  failures(now: number): number
  /** What the snapshot shows as `calls`. */
  calls(now: number): number
  /** Forgets all, when the circuit closes. */
  clear(): void
}

/** A description of a rule, from which every breaker, and later every key, makes its own. */
export interface Trip {
  /** Why the circuit opened, for events: `3 consecutive failures`. */
  readonly reason: string
  /** A fresh rule. */
  create(): TripRule
}

/** A window of a number of calls instead of a time. Made by {@link calls}. */
export interface CallCount {
  readonly calls: number
}

/**
 * A window over the last `n` calls, for rates.
 *
 * @example
 * ```ts
 * import { calls, circuitBreaker, failureRate } from 'escudo'
 *
 * const breaker = circuitBreaker({ trip: failureRate({ threshold: 0.5, window: calls(100), minimumCalls: 20 }) })
 * ```
 */
export function calls(n: number): CallCount {
  return { calls: wholeNumber(n, 'calls.n', 1, 1_000_000) }
}

/**
 * Opens after `n` failures in a row; a success begins the count again.
 *
 * @example
 * ```ts
 * import { circuitBreaker, consecutive } from 'escudo'
 *
 * const breaker = circuitBreaker({ trip: consecutive(3), openFor: '10s' })
 * ```
 */
export function consecutive(n: number): Trip {
  const threshold = wholeNumber(n, 'consecutive.n', 1)
  return { reason: `${threshold} consecutive failures`, create: () => new ConsecutiveRule(threshold) }
}

class ConsecutiveRule implements TripRule {
  readonly #threshold: number
  #failures = 0
  #calls = 0

  constructor(threshold: number) {
    this.#threshold = threshold
  }

  record(failed: boolean): boolean {
    this.#calls += 1
    this.#failures = failed ? this.#failures + 1 : 0
    return this.#failures >= this.#threshold
  }

  failures(): number {
    return this.#failures
  }

  calls(): number {
    return this.#calls
  }

  clear(): void {
    this.#failures = 0
    this.#calls = 0
  }
}

/** Options of {@link failureRate}. */
export interface FailureRateOptions {
  /** The share of failures, at or above which the circuit opens. Default 0.5. */
  readonly threshold?: number
  /** How far back it looks: a time, or {@link calls}. Default `'30s'`. */
  readonly window?: Duration | CallCount
  /** With fewer calls than this in the window nothing opens. Default 20. */
  readonly minimumCalls?: number
}

/**
 * Opens when the share of failures in a sliding window reaches a threshold. A time window forgets in steps of a
 * twentieth of its length. Semantics after resilience4j's and Polly v8's failure ratio.
 *
 * @example
 * ```ts
 * import { circuitBreaker, failureRate } from 'escudo'
 *
 * const breaker = circuitBreaker({ trip: failureRate({ threshold: 0.5, window: '30s', minimumCalls: 20 }) })
 * ```
 */
export function failureRate(options: FailureRateOptions = {}): Trip {
  knownKeys(options, 'failureRate', ['threshold', 'window', 'minimumCalls'])
  const threshold = share(options.threshold ?? 0.5, 'failureRate.threshold')
  const minimumCalls = wholeNumber(options.minimumCalls ?? 20, 'failureRate.minimumCalls', 1)
  const makeWindow = windowMaker(options.window ?? '30s', minimumCalls)
  return {
    reason: `failure rate of ${threshold * 100} %`,
    create: () => new FailureRateRule(makeWindow(), threshold, minimumCalls),
  }
}

function windowMaker(window: Duration | CallCount, minimumCalls: number): () => Window {
  if (typeof window !== 'object' || window === null) {
    const lengthMs = toMs(window, 'failureRate.window', 1)
    return () => new TimeWindow(lengthMs)
  }
  const size = wholeNumber(window.calls, 'failureRate.window.calls', 1, 1_000_000)
  if (minimumCalls > size) {
    throw new ConfigurationError(
      'failureRate.minimumCalls',
      `expected at most the window's ${size} calls, got ${show(minimumCalls)}: the circuit could never open`,
    )
  }
  return () => new CountWindow(size)
}

class FailureRateRule implements TripRule {
  readonly #window: Window
  readonly #threshold: number
  readonly #minimumCalls: number

  constructor(window: Window, threshold: number, minimumCalls: number) {
    this.#window = window
    this.#threshold = threshold
    this.#minimumCalls = minimumCalls
  }

  record(failed: boolean, now: number): boolean {
    const window = this.#window
    window.record(failed, now)
    const seen = window.calls(now)
    // Divided, not multiplied: 3 / 30 is the same number as 0.1, and 0.1 * 30 is not 3.
    return seen >= this.#minimumCalls && window.failures(now) / seen >= this.#threshold
  }

  failures(now: number): number {
    return this.#window.failures(now)
  }

  calls(now: number): number {
    return this.#window.calls(now)
  }

  clear(): void {
    this.#window.clear()
  }
}
