// What the events of a shield and its policies tell.

/** The fields of every event of a policy. */
interface EventBase {
  /** The shield's name. */
  readonly shield: string
  /** The policy's name within the shield. */
  readonly policy: string
}

/** The fields of an event of a shield itself. */
interface LeverEvent {
  /** The shield's name. */
  readonly shield: string
  /** Absent: the event belongs to no policy. */
  readonly policy?: undefined
  /** In milliseconds on the shield's clock; `time` is the same in ISO 8601, if the clock is the system's. */
  readonly at: number
  readonly time?: string
}

/** All events of a shield, by name. */
export interface ShieldEvents {
  /** A circuit breaker changed its state. `at` is in milliseconds on the shield's clock. */
  stateChange: EventBase & {
    readonly from: BreakerState
    readonly to: BreakerState
    readonly reason: string
    readonly at: number
    /** `at` in ISO 8601, if the clock is the system's. */
    readonly time?: string
    /** The count that opened the circuit; 0 if the new state is neither open nor half-open. */
    readonly failures: number
    /** The number of calls among which `failures` were counted. */
    readonly calls: number
    /** The last failure before an opening. Absent if there was none, as with slow successes. */
    readonly lastFailure?: LastFailure
    /** The key of the circuit, if the breaker has `perKey`. */
    readonly key?: string
  }
  /**
   * An attempt failed, and the next one begins after `delayMs`. `attempt` is the number of the failed attempt. `error` is
   * what it threw; if a classifier rejected its value, `error` is undefined and `value` is that value.
   */
  retry: EventBase & {
    readonly attempt: number
    readonly delayMs: number
    readonly error: unknown
    readonly value?: unknown
  }
  /**
   * A further attempt begins before any attempt has succeeded. `attempt` is its number. `delayMs` is how long it was
   * delayed: 0 if it started because another attempt failed.
   */
  hedge: EventBase & { readonly attempt: number; readonly delayMs: number }
  /** A later attempt answered first. `attempt` is its number. `durationMs` is the time since the first attempt began. */
  hedgeWon: EventBase & { readonly attempt: number; readonly durationMs: number }
  /** An operation took longer than `afterMs`. */
  timeout: EventBase & { readonly afterMs: number }
  /** A policy refused to run the operation. `code` is that of the error. */
  rejected: EventBase & { readonly code: string; readonly retryAfterMs: number | undefined }
  /** A fallback replaced a failure: an error, or the `value` that a classifier rejected. `error` is then undefined. */
  fallback: EventBase & { readonly error: unknown; readonly value?: unknown }
  /**
   * A cache returned a stored value, `ageMs` old. `stale`: it is too old, and is refreshed in the background.
   *
   * This event and `cacheMiss` are frequent, so only listeners that name them receive them.
   */
  cacheHit: EventBase & { readonly key: string; readonly ageMs: number; readonly stale: boolean }
  /** A cache had no value to return. The operation ran, and its result has reached the cache. */
  cacheMiss: EventBase & { readonly key: string }
  /**
   * A cache hid a failure. It returned a stored value, `ageMs` old, instead of the error. With `refresh`, it failed to
   * refresh the value in the background: this event is the only report of that error.
   */
  stale: EventBase & { readonly error: unknown; readonly ageMs: number; readonly refresh: boolean }
  /** The store of a cache failed to `get`, `set` or `delete` a value. The call went on without the store. */
  cacheStoreFailed: EventBase & { readonly key: string; readonly action: string; readonly error: unknown }
  /** A circuit breaker ignored the result of a call that began before its last change of state. */
  late: EventBase & { readonly verdict: 'success' | 'failure' }
  /**
   * A retry, a circuit breaker, a timeout or a cache has finished a call that it did not refuse.
   *
   * Also emitted when a hedged call has its first answer, when a rate limiter or an adaptive throttle admits a call, and
   * when a call is cancelled while it waits for a rate limiter. These events are frequent, so only listeners that name
   * this event receive it.
   */
  executed: EventBase & {
    /**
     * The event's name. Other events get it in a copy (see `EventHub.emit`); a copy per call would cost too much.
     */
    readonly type: 'executed'
    /**
     * The name of the factory: `retry`, `circuitBreaker`, `timeout`, `rateLimiter`, `adaptiveThrottle`, `cache`, `hedge`.
     */
    readonly policyType: string
    /** One of the {@link Countable.outcomes} that the policy declares. */
    readonly outcome: string
    /** How many times the policy ran what is inside it. */
    readonly attempts: number
    /**
     * How long the policy had the call, in milliseconds on the shield's clock. For a rate limiter and an adaptive
     * throttle: how long the call waited for its permit. The time of other listeners is in no duration.
     */
    readonly durationMs: number
    /** The error of a call that did not succeed. Absent after a success, and if a classifier rejected a value. */
    readonly error?: unknown
  }
  /** `shield.disable()`: the policies are bypassed. */
  disabled: LeverEvent
  /** `shield.enable()`: new calls enter the policies again. */
  enabled: LeverEvent
  /**
   * `shield.reconfigure()` changed options, here or in another shield with the same policy.
   *
   * `before` and `after` contain the changed options by the name of the policy, as they were passed; `undefined` is the
   * default.
   */
  reconfigured: LeverEvent & { readonly before: OptionsByPolicy; readonly after: OptionsByPolicy }
}

type OptionsByPolicy = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** The events of a shield itself. They have no `policy`. */
export type ShieldLever = 'disabled' | 'enabled' | 'reconfigured'

/** What telemetry can count for a policy. Each counter starts at zero when a shield with the policy is built. */
export interface Countable {
  /** The outcomes that `executed` can have. */
  readonly outcomes?: readonly string[]
  /** All changes of state that can happen. */
  readonly transitions?: readonly Pick<ShieldEvents['stateChange'], 'from' | 'to' | 'reason'>[]
}

/** The states of a circuit breaker. */
export type BreakerState = 'closed' | 'open' | 'half-open' | 'isolated' | 'disabled'

/** The reason of `breaker.trip()`. A text that the caller gives follows it, after a colon. */
export const MANUAL_TRIP = 'tripped manually'

/** The reason of a change that the fleet decided. After a colon follows how many instances voted for it, of how many. */
export const FLEET = 'fleet'

/** What a circuit breaker keeps of its last failure: never the error object, which belongs to another request. */
export interface LastFailure {
  /** The error's `name`, such as `TypeError`. For a value that a classifier counted as a failure: the name of its class. */
  readonly name: string
  /** The code of the error or of its cause, such as `ECONNREFUSED` or `TIMEOUT`; the status of a rejected `Response`. */
  readonly code: string | undefined
  /** When it happened, in milliseconds on the shield's clock. */
  readonly at: number
  /** `at` in ISO 8601, where it is shown and if the clock is the system's. */
  readonly time?: string
}
