import {
  adaptiveLimiter,
  adaptiveThrottle,
  aimd,
  anyTrip,
  bulkhead,
  cache,
  circuitBreaker,
  consecutive,
  constant,
  exponential,
  failureRate,
  gradient2,
  hedge,
  linear,
  rateLimiter,
  retry,
  retryBudget,
  slowCallRate,
  timeout,
  vegas,
} from 'escudo'

type Options = Record<string, unknown>

/** A function that makes something from options. A new factory needs one entry. */
export interface Factory {
  readonly name: string
  /** Valid options, including every number and duration. */
  readonly options: () => Options
  readonly make: (options: Options) => unknown
}

const factory = (name: string, make: (options: never) => unknown, options: () => Options): Factory => ({
  name,
  options,
  make: make as (options: Options) => unknown,
})

/** Every factory of the library that takes numbers, with all its numeric options, none at its default. */
export const FACTORIES: readonly Factory[] = [
  factory('retry', retry, () => ({ maxRetries: 3, maxTotal: 60_000, retryAfter: { max: 1_000 } })),
  factory('backoff', exponential, () => ({ base: 10, factor: 2, max: 1_000 })),
  factory('backoff', linear, () => ({ base: 10, step: 10, max: 1_000 })),
  factory(
    'backoff',
    ({ delay }: { delay: number }) => constant(delay),
    () => ({ delay: 10 }),
  ),
  factory('retryBudget', retryBudget, () => ({ ratio: 0.2, minPerSecond: 10, ttl: 10_000 })),
  factory('circuitBreaker', circuitBreaker, () => ({
    openFor: { base: 1_000, factor: 2, max: 60_000 },
    halfOpen: { probes: 2, closeAt: 0.5, lease: 60_000 },
    perKey: { maxKeys: 10 },
    ramp: { each: 10_000, steps: [0.5] },
    probe: { operation: () => 'well', every: 1_000 },
  })),
  factory('trip', failureRate, () => ({ threshold: 0.5, window: 30_000, minimumCalls: 20 })),
  factory('trip', slowCallRate, () => ({ threshold: 0.5, slowerThan: 100, window: 30_000, minimumCalls: 20 })),
  factory(
    'trip',
    ({ n }: { n: number }) => anyTrip(consecutive(n)),
    () => ({ n: 3 }),
  ),
  factory(
    'window',
    (window: { calls: number }) => failureRate({ window, minimumCalls: 1 }),
    () => ({ calls: 3 }),
  ),
  factory('bulkhead', bulkhead, () => ({ limit: 2, queue: 2, maxWait: 1_000 })),
  factory(
    'timeout',
    ({ after }: { after: number }) => timeout(after),
    () => ({ after: 1_000 }),
  ),
  factory('hedge', hedge, () => ({ after: 50, maxHedges: 2 })),
  factory('hedge', hedge, () => ({ after: { quantile: 0.9, initial: 50, window: 30_000 } })),
  factory('cache', cache, () => ({ ttl: 1_000, staleWhileRevalidate: 1_000, staleIfError: 1_000, maxEntries: 10 })),
  factory('rateLimiter', rateLimiter, () => ({
    limit: 2,
    per: 1_000,
    burst: 2,
    maxWait: 1_000,
    perKey: { maxKeys: 10 },
  })),
  factory('adaptiveThrottle', adaptiveThrottle, () => ({ k: 3, window: 60_000 })),
  factory('adaptiveLimiter', adaptiveLimiter, () => ({ min: 2, max: 20, initial: 5 })),
  factory('aimd', aimd, () => ({ timeout: 1_000, backoffRatio: 0.9 })),
  factory('vegas', vegas, () => ({})),
  factory('gradient2', gradient2, () => ({})),
]

/** The paths of all numbers in an options object: `halfOpen.probes`. */
export function numbersIn(options: Options, path: readonly string[] = []): readonly (readonly string[])[] {
  return Object.entries(options).flatMap(([key, value]) => {
    if (typeof value === 'number') return [[...path, key]]
    return typeof value === 'object' && value !== null ? numbersIn(value as Options, [...path, key]) : []
  })
}

/** Sets an option, possibly in a nested object. */
export function write(options: Options, [key, ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) options[key as string] = value
  else write(options[key as string] as Options, rest, value)
}
