export type { CancelTimer, Clock } from './core/clock.ts'
export { systemClock } from './core/clock.ts'
export type { Carrier } from './core/context/carrier.ts'
export { currentCall } from './core/context/current-call.ts'
export type { ContextOptions } from './core/context/with-context.ts'
export { contextHeaders, withContext } from './core/context/with-context.ts'
export type { Call } from './core/engine/call.ts'
export { DeadlineExceededError, PolicyError, TimeoutError } from './core/errors.ts'
export type {
  BreakerState,
  Countable,
  EventName,
  LastFailure,
  Listener,
  ShieldEvent,
  ShieldEvents,
} from './core/events/events.ts'
export type { Explanation, PolicyExplanation } from './core/explain/explain.ts'
export { explain, wasCalled } from './core/explain/explain.ts'
export type { ItemSource } from './core/iteration.ts'
export type { AttemptNote } from './core/note.ts'
export type { Operation, Run } from './core/operation.ts'
export { ConfigurationError } from './core/options/configuration-error.ts'
export type { Duration } from './core/options/durations.ts'
export type { Classify, Outcome, Verdict } from './core/outcome.ts'
export type { AnyPolicy, Key, OptionsChange, Policy, PolicyOptions, PolicyStatus } from './core/policy.ts'
export { definePolicy } from './core/policy.ts'
export { seededRandom } from './core/random.ts'
export { SecondaryError } from './core/secondary-error.ts'
export type { OnLoss, SharedState } from './core/shared-state.ts'
export { shield } from './core/shield.ts'
export type {
  AnyShield,
  ItemOf,
  KeyedRunOptions,
  NewOptions,
  RunOptions,
  Shield,
  ShieldOptions,
  ShieldStatus,
} from './core/shield-types.ts'
export { findShield, shields } from './core/shields.ts'
export { AbortRetryError } from './errors/abort-retry-error.ts'
export { isRefusal } from './errors/classification.ts'
export { adaptiveLimiter } from './policies/adaptive-limiter/adaptive-limiter.ts'
export type { AdaptiveLimiterOptions } from './policies/adaptive-limiter/options.ts'
export type { AimdOptions } from './policies/adaptive-limiter/state/aimd.ts'
export { aimd } from './policies/adaptive-limiter/state/aimd.ts'
export type { Gradient2Options } from './policies/adaptive-limiter/state/gradient2.ts'
export { gradient2 } from './policies/adaptive-limiter/state/gradient2.ts'
export type { ConcurrencyLimit, LimitAlgorithm, LimitSettings } from './policies/adaptive-limiter/state/limit.ts'
export type { VegasOptions } from './policies/adaptive-limiter/state/vegas.ts'
export { vegas } from './policies/adaptive-limiter/state/vegas.ts'
export { adaptiveThrottle } from './policies/adaptive-throttle/adaptive-throttle.ts'
export type { AdaptiveThrottleOptions } from './policies/adaptive-throttle/options.ts'
export { bulkhead } from './policies/bulkhead/bulkhead.ts'

export type { BulkheadOptions } from './policies/bulkhead/options.ts'
export type { Cache } from './policies/cache/cache.ts'

export { cache } from './policies/cache/cache.ts'
export type { CacheOptions } from './policies/cache/options.ts'
export type { CacheStore, StoredValue, Unlock } from './policies/cache/store.ts'
export type { CircuitBreaker } from './policies/circuit-breaker/circuit-breaker.ts'
export { circuitBreaker } from './policies/circuit-breaker/circuit-breaker.ts'
export type { StateChange } from './policies/circuit-breaker/circuits.ts'
export { CircuitOpenError } from './policies/circuit-breaker/errors.ts'
export type { CircuitBreakerOptions } from './policies/circuit-breaker/options.ts'
export type { SavedBreaker } from './policies/circuit-breaker/state/saved-breaker.ts'
export type { BreakerMode } from './policies/circuit-breaker/state/settings.ts'
export { anyTrip } from './policies/circuit-breaker/state/trips/any-trip.ts'
export type {
  CallWindow,
  FailureRateOptions,
  SlowCallRateOptions,
} from './policies/circuit-breaker/state/trips/trip.ts'
export { consecutive, failureRate, slowCallRate } from './policies/circuit-breaker/state/trips/trip.ts'
export type { SavedCounts, Trip, TripRule } from './policies/circuit-breaker/state/trips/trip-rule.ts'
export { coalesce } from './policies/coalesce/coalesce.ts'
export type { CoalesceOptions } from './policies/coalesce/options.ts'
export { fallback } from './policies/fallback/fallback.ts'
export type { FallbackOptions } from './policies/fallback/options.ts'
export { hedge } from './policies/hedge/hedge.ts'
export type { HedgeOptions } from './policies/hedge/options.ts'
export type { RateLimiterOptions } from './policies/rate-limiter/options.ts'
export { rateLimiter } from './policies/rate-limiter/rate-limiter.ts'
export type { RetryOptions } from './policies/retry/options.ts'
export { retry } from './policies/retry/retry.ts'
export type { Backoff, ExponentialOptions, Jitter } from './policies/retry/state/backoff.ts'
export { constant, exponential, linear } from './policies/retry/state/backoff.ts'
export type { Attempt } from './policies/shared/attempts.ts'
export { attemptsOf } from './policies/shared/attempts.ts'
export { BulkheadFullError } from './policies/shared/bulkhead-full-error.ts'
export { RateLimitedError } from './policies/shared/rate-limited-error.ts'
export type { Deposit, RetryBudget, RetryBudgetOptions } from './policies/shared/state/retry-budget.ts'
export { retryBudget } from './policies/shared/state/retry-budget.ts'
export type { StandardShieldOptions } from './policies/standard-shield/options.ts'
export { standardShield } from './policies/standard-shield/standard-shield.ts'
export type { TimeoutOptions } from './policies/timeout/options.ts'
export { timeout } from './policies/timeout/timeout.ts'
