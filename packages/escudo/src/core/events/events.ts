import { watchCalls } from './call-events.ts'
import { type Listener, notify } from './report.ts'

export { describe, type Listener, notify, reportOnce, warn } from './report.ts'

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
     * throttle: how long the call waited for its permit.
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

/** The name of an event. */
export type EventName = keyof ShieldEvents

// The events that are not emitted for every call.
const OCCASIONAL: readonly EventName[] = [
  'stateChange',
  'retry',
  'hedge',
  'hedgeWon',
  'timeout',
  'rejected',
  'fallback',
  'stale',
  'cacheStoreFailed',
  'late',
  'disabled',
  'enabled',
  'reconfigured',
]
// Those that every call may emit.
const FREQUENT: readonly EventName[] = ['executed', 'cacheHit', 'cacheMiss']
/** All events. */
export const EVENT_NAMES: readonly EventName[] = [...OCCASIONAL, ...FREQUENT]

/** An event with its name, for listeners of several kinds of event. */
export type ShieldEvent = { [Name in EventName]: { readonly type: Name } & ShieldEvents[Name] }[EventName]

// The listeners for all shields, for telemetry. A list is replaced and never mutated, so that a subscription made or
// ended while an event is emitted does not affect that event. No copy is needed per event.
const watchers = new Map<EventName, readonly Listener<ShieldEvent>[]>()

/**
 * Subscribes to events of every shield in this process.
 *
 * @param names the events; default: all except `executed`, `cacheHit` and `cacheMiss`
 * @returns a function that unsubscribes
 * @throws TypeError for an unknown event
 */
export function watchAll(listener: Listener<ShieldEvent>, names: readonly EventName[] = OCCASIONAL): () => void {
  const wanted = new Set(names)
  for (const name of wanted) assertEventName(name)
  // A wrapper per subscription: the same function may subscribe twice, and each subscription ends separately.
  const subscription: Listener<ShieldEvent> = (event) => listener(event)
  type Listeners = readonly Listener<ShieldEvent>[]
  const update = (change: (listeners: Listeners) => Listeners): void => {
    for (const name of wanted) watchers.set(name, change(watchers.get(name) ?? []))
    const before = executionWatchers
    executionWatchers = FREQUENT.reduce((count, name) => count + (watchers.get(name)?.length ?? 0), 0)
    timeCalls(executionWatchers - before)
  }
  update((listeners) => [...listeners, subscription])
  return () => update((listeners) => listeners.filter((other) => other !== subscription))
}

// A separate counter, because every call reads it.
let executionWatchers = 0

/** The listeners of frequent events, of all shields and of single ones. While there are any, calls are timed. */
let timing = 0
let stopTiming = (): void => {}

function timeCalls(by: number): void {
  if (timing === 0 && by > 0) stopTiming = watchCalls({})
  timing += by
  if (timing === 0) stopTiming()
}

/** Ends the timing for listeners that were collected with their shield. Undefined on a runtime that cannot tell. */
let collected: FinalizationRegistry<-1> | undefined

function stopWhenCollected(hub: EventHub, subscription: object): void {
  if (typeof FinalizationRegistry === 'undefined') return
  collected ??= new FinalizationRegistry(timeCalls)
  collected.register(hub, -1, subscription)
}

function assertEventName(name: EventName): void {
  if (EVENT_NAMES.includes(name)) return
  throw new TypeError(`unknown event '${String(name)}'; known events: ${EVENT_NAMES.join(', ')}`)
}

/** Emits the events of one shield to its listeners. */
export class EventHub {
  readonly #listeners = new Map<EventName, Set<Listener<never>>>()
  #executionListeners = 0

  /**
   * Subscribes to one kind of event.
   *
   * @returns a function that unsubscribes
   * @throws TypeError for an unknown event
   */
  on<Name extends EventName>(name: Name, listener: Listener<ShieldEvents[Name]>): () => void {
    assertEventName(name)
    let listeners = this.#listeners.get(name)
    if (listeners === undefined) {
      listeners = new Set()
      this.#listeners.set(name, listeners)
    }
    // A wrapper per subscription: the same function may subscribe twice, and each subscription ends separately.
    const subscription: Listener<ShieldEvents[Name]> = (event) => listener(event)
    listeners.add(subscription)
    const isFrequent = FREQUENT.includes(name)
    if (isFrequent) {
      this.#listen(1)
      stopWhenCollected(this, subscription)
    }
    return () => {
      if (!listeners.delete(subscription) || !isFrequent) return
      this.#listen(-1)
      collected?.unregister(subscription)
    }
  }

  #listen(by: 1 | -1): void {
    this.#executionListeners += by
    timeCalls(by)
  }

  /** Whether an event has listeners. An event without listeners is not built. */
  hasListeners(name: EventName): boolean {
    return (watchers.get(name)?.length ?? 0) > 0 || (this.#listeners.get(name)?.size ?? 0) > 0
  }

  /**
   * Whether `executed`, `cacheHit` or `cacheMiss` has listeners. A faster check, without a look-up, because every call
   * makes it several times.
   */
  get hasExecutedListeners(): boolean {
    return executionWatchers > 0 || this.#executionListeners > 0
  }

  /** Emits an event to the listeners of this shield, then to those of all shields. */
  emit<Name extends EventName>(name: Name, event: ShieldEvents[Name]): void {
    const listeners = this.#listeners.get(name)
    // Copied, because a listener may subscribe or unsubscribe listeners while it runs.
    if (listeners !== undefined)
      for (const listener of [...listeners]) notify(listener as Listener<typeof event>, event)
    const watching = watchers.get(name)
    if (watching === undefined || watching.length === 0) return
    // `executed` is emitted for every call, and a copy would be half of the cost. It has its `type` already.
    const named = (name === 'executed' ? event : { type: name, ...event }) as unknown as ShieldEvent
    for (const watcher of watching) notify(watcher, named)
  }
}
