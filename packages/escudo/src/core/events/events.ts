import { addCallWatcher } from './call-events.ts'
import { type Listener, notify } from './report.ts'
import type { ShieldEvents } from './shield-events.ts'

export { describe, type Listener, notify, reportOnce, warn } from './report.ts'
export {
  type BreakerState,
  type Countable,
  FLEET,
  type LastFailure,
  MANUAL_TRIP,
  type ShieldEvents,
  type ShieldLever,
} from './shield-events.ts'

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
// ended while an event is emitted does not affect that event. No copy is needed per event, which would cost more than
// the event.
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
    executedWatchers = watchers.get('executed') ?? []
    timeCalls(executionWatchers - before)
  }
  update((listeners) => [...listeners, subscription])
  return () => update((listeners) => listeners.filter((other) => other !== subscription))
}

// A separate counter, because every call reads it.
let executionWatchers = 0
// A separate list for the same reason. A hub has one, too.
let executedWatchers: readonly Listener<ShieldEvents['executed']>[] = []

/** The listeners of frequent events, of all shields and of single ones. While there are any, calls are timed. */
let timing = 0
let stopTiming = (): void => {}

function timeCalls(by: number): void {
  if (timing === 0 && by > 0) stopTiming = addCallWatcher({})
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
  // A list is replaced and never mutated, as those for all shields.
  readonly #listeners = new Map<EventName, readonly Listener<never>[]>()
  #executed: readonly Listener<never>[] = []
  #executionListeners = 0

  /**
   * Subscribes to one kind of event.
   *
   * @returns a function that unsubscribes
   * @throws TypeError for an unknown event
   */
  on<Name extends EventName>(name: Name, listener: Listener<ShieldEvents[Name]>): () => void {
    assertEventName(name)
    // A wrapper per subscription: the same function may subscribe twice, and each subscription ends separately.
    const subscription: Listener<ShieldEvents[Name]> = (event) => listener(event)
    this.#set(name, [...this.#listenersOf(name), subscription])
    const isFrequent = FREQUENT.includes(name)
    if (isFrequent) {
      this.#listen(1)
      stopWhenCollected(this, subscription)
    }
    return () => {
      const listeners = this.#listenersOf(name)
      if (!listeners.includes(subscription)) return
      this.#set(
        name,
        listeners.filter((other) => other !== subscription),
      )
      if (!isFrequent) return
      this.#listen(-1)
      collected?.unregister(subscription)
    }
  }

  #listenersOf(name: EventName): readonly Listener<never>[] {
    return this.#listeners.get(name) ?? []
  }

  #set(name: EventName, listeners: readonly Listener<never>[]): void {
    this.#listeners.set(name, listeners)
    if (name === 'executed') this.#executed = listeners
  }

  #listen(by: 1 | -1): void {
    this.#executionListeners += by
    timeCalls(by)
  }

  /** Whether an event has listeners. An event without listeners is not built. */
  hasListeners(name: EventName): boolean {
    return (watchers.get(name)?.length ?? 0) > 0 || (this.#listeners.get(name)?.length ?? 0) > 0
  }

  /**
   * Whether `executed`, `cacheHit` or `cacheMiss` has listeners. A faster check, without a look-up, because every call
   * makes it several times.
   */
  get hasExecutedListeners(): boolean {
    return executionWatchers > 0 || this.#executionListeners > 0
  }

  /** Emits `executed`, without a look-up: every call emits it several times. */
  emitExecuted(event: ShieldEvents['executed']): void {
    for (const listener of this.#executed) notify(listener as Listener<typeof event>, event)
    // It has its `type` already: a copy would be half of the cost.
    for (const watcher of executedWatchers) notify(watcher, event)
  }

  /** Emits an event to the listeners of this shield, then to those of all shields. */
  emit<Name extends Exclude<EventName, 'executed'>>(name: Name, event: ShieldEvents[Name]): void {
    for (const listener of this.#listenersOf(name)) notify(listener as Listener<typeof event>, event)
    const watching = watchers.get(name)
    if (watching === undefined || watching.length === 0) return
    const named = { type: name, ...event } as unknown as ShieldEvent
    for (const watcher of watching) notify(watcher, named)
  }
}
