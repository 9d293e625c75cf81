/** What every event tells. */
interface EventBase {
  /** The shield's name. */
  readonly shield: string
  /** The policy's name within the shield. */
  readonly policy: string
}

/** All events of a shield, by name. */
export interface ShieldEvents {
  /** A circuit breaker changed its state. `at` is on the shield's clock. */
  stateChange: EventBase & {
    readonly from: BreakerState
    readonly to: BreakerState
    readonly reason: string
    readonly at: number
    /** Whose circuit it is, where there is one for each key. */
    readonly key?: string
  }
  /** An attempt failed, and the next begins after `delayMs`. `attempt` is the number of the one that failed. */
  retry: EventBase & { readonly attempt: number; readonly delayMs: number; readonly error: unknown }
  /**
   * A further attempt begins while nobody has answered yet. `attempt` is its number, `delayMs` how long it was held back:
   * 0 where the failure of another one sent it at once.
   */
  hedge: EventBase & { readonly attempt: number; readonly delayMs: number }
  /** An operation took longer than `afterMs`. */
  timeout: EventBase & { readonly afterMs: number }
  /** A policy declined to run the operation. */
  rejected: EventBase & { readonly code: string; readonly retryAfterMs: number | undefined }
  /** A fallback stood in for a failure. */
  fallback: EventBase & { readonly error: unknown }
  /**
   * A cache hid a failure: a value of `ageMs` stood in for it, or (`refresh`) it could not be refreshed in the
   * background, and nobody else hears of the error.
   */
  stale: EventBase & { readonly error: unknown; readonly ageMs: number; readonly refresh: boolean }
  /** A result came from an earlier era of a circuit breaker, and changed nothing. */
  late: EventBase & { readonly verdict: 'success' | 'failure' }
  /**
   * A retry, a circuit breaker or a timeout is done with a call that it did not refuse; a rate limiter or a throttle has
   * let it in. Told of every call, so whoever listens to everything hears it only on request.
   */
  executed: EventBase & {
    /** The event's name. All events are told with it to those who hear several; this one is made with it. */
    readonly type: 'executed'
    /** The factory's name: `retry`, `circuitBreaker`, `timeout`, `rateLimiter`, `adaptiveThrottle`. */
    readonly policyType: string
    /** One of the words that the policy declares as its {@link Countable.outcomes}. */
    readonly outcome: string
    /** How often what stands inside of the policy was run. */
    readonly attempts: number
  }
}

/** What telemetry can count of a policy: each stands at zero as soon as there is a shield with that policy. */
export interface Countable {
  /** The outcomes that `executed` tells. */
  readonly outcomes?: readonly string[]
  /** Every change of state that can happen. */
  readonly transitions?: readonly Pick<ShieldEvents['stateChange'], 'from' | 'to' | 'reason'>[]
}

/** The states of a circuit breaker. */
export type BreakerState = 'closed' | 'open' | 'half-open' | 'isolated' | 'disabled'

/** The names of events. */
export type EventName = keyof ShieldEvents

// What is told when something happens that is out of the ordinary.
const OCCASIONAL: readonly EventName[] = [
  'stateChange',
  'retry',
  'hedge',
  'timeout',
  'rejected',
  'fallback',
  'stale',
  'late',
]
const EVENT_NAMES: readonly EventName[] = [...OCCASIONAL, 'executed']

/** An event with its name, for those who listen to all of them. */
export type ShieldEvent = { [Name in EventName]: { readonly type: Name } & ShieldEvents[Name] }[EventName]

/** Hears one kind of event. What it throws, or rejects with, is reported once and otherwise without effect. */
export type Listener<Event> = (event: Event) => unknown

// Of every shield, for telemetry. The lists are replaced and never changed: whoever subscribes or unsubscribes while an
// event is told, itself included, changes nothing for that event, and nobody copies a list to make it so.
const watchers = new Map<EventName, readonly Listener<ShieldEvent>[]>()

/**
 * Hears events of every shield in this process. Returns the function that ends it.
 *
 * @param names which; without them all but `executed`
 */
export function watchAll(listener: Listener<ShieldEvent>, names: readonly EventName[] = OCCASIONAL): () => void {
  const wanted = new Set(names)
  for (const name of wanted) checkedEvent(name)
  // Wrapped, so that the same function twice is two subscriptions, each with an end of its own.
  const own: Listener<ShieldEvent> = (event) => listener(event)
  const set = (heard: (now: readonly Listener<ShieldEvent>[]) => readonly Listener<ShieldEvent>[]): void => {
    for (const name of wanted) watchers.set(name, heard(watchers.get(name) ?? []))
    executionWatchers = watchers.get('executed')?.length ?? 0
  }
  set((now) => [...now, own])
  return () => set((now) => now.filter((one) => one !== own))
}

// Beside the lists, because it is asked for at every call.
let executionWatchers = 0

function checkedEvent(name: EventName): void {
  if (EVENT_NAMES.includes(name)) return
  throw new TypeError(`there is no event '${String(name)}'; there are: ${EVENT_NAMES.join(', ')}`)
}

/** Where the policies of one shield tell what happens. */
export class EventHub {
  readonly #listeners = new Map<EventName, Set<Listener<never>>>()
  #executionListeners = 0

  /** Subscribes; returns the function that unsubscribes. */
  on<Name extends EventName>(name: Name, listener: Listener<ShieldEvents[Name]>): () => void {
    checkedEvent(name)
    let listeners = this.#listeners.get(name)
    if (listeners === undefined) {
      listeners = new Set()
      this.#listeners.set(name, listeners)
    }
    // Wrapped, so that the same function twice is two subscriptions, each with an end of its own.
    const own: Listener<ShieldEvents[Name]> = (event) => listener(event)
    listeners.add(own)
    if (name === 'executed') this.#executionListeners = listeners.size
    return () => {
      listeners.delete(own)
      if (name === 'executed') this.#executionListeners = listeners.size
    }
  }

  /** Whether anybody listens: an event that nobody hears is not built. */
  hasListeners(name: EventName): boolean {
    return (watchers.get(name)?.length ?? 0) > 0 || (this.#listeners.get(name)?.size ?? 0) > 0
  }

  /** The same for `executed`, without looking anything up: this is asked several times in each call. */
  get hasExecutedListeners(): boolean {
    return executionWatchers > 0 || this.#executionListeners > 0
  }

  /** Tells all who listen. */
  emit<Name extends EventName>(name: Name, event: ShieldEvents[Name]): void {
    const listeners = this.#listeners.get(name)
    // Copies, since a listener may subscribe or unsubscribe, itself included.
    if (listeners !== undefined)
      for (const listener of [...listeners]) notify(listener as Listener<typeof event>, event)
    const watching = watchers.get(name)
    if (watching === undefined || watching.length === 0) return
    // A copy, but of what is told at every call: there it would be half of the price of telling.
    const named = (name === 'executed' ? event : { type: name, ...event }) as unknown as ShieldEvent
    for (const watcher of watching) notify(watcher, named)
  }
}

/** Calls a listener so that whatever goes wrong in it stays with it. */
export function notify<Event>(listener: Listener<Event>, event: Event): void {
  try {
    const result = listener(event)
    if (isThenable(result)) result.then(undefined, (error) => reportOnce(listener, error))
  } catch (error) {
    reportOnce(listener, error)
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

const reported = new WeakSet<object>()

/** Warns of something foreign that threw where nobody could be told; of each once. */
export function reportOnce(thrower: object, error: unknown, what = 'a listener'): void {
  if (reported.has(thrower)) return
  reported.add(thrower)
  warn(`${what} threw, and is not reported again: ${describe(error)}`, 'ESCUDO_LISTENER')
}

/** A warning for the developer: through `process.emitWarning` where there is one, else on the console. */
export function warn(message: string, code: string): void {
  const host = globalThis as {
    process?: { emitWarning?: (text: string, options: { type: string; code: string }) => void }
  }
  if (typeof host.process?.emitWarning === 'function')
    host.process.emitWarning(message, { type: 'EscudoWarning', code })
  else console.error(`${code}: ${message}`)
}

/** Anything thrown, as text; never throws itself. */
export function describe(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  } catch {
    return 'something that cannot be shown'
  }
}
