import { type EventName, type Listener, type ShieldEvent, watchAll } from '../core/events/events.ts'
import { show } from '../core/options/durations.ts'

/**
 * Subscribes to the events of every shield in this process: state changes, retries, refusals, timeouts, fallbacks.
 *
 * Without a listener, event objects are not built.
 *
 * @param listener receives each event. An error that it throws or rejects with is reported once, and never reaches a
 * policy
 * @param events the events to receive. Default: all except `executed`, which is emitted for every call
 * @returns a function that ends the subscription
 * @throws TypeError for a listener that is not a function, and for an unknown event
 * @example
 * ```ts
 * import { subscribe } from 'escudo/telemetry'
 *
 * let retries = 0
 * const stop = subscribe((event) => {
 *   if (event.type === 'retry') retries += 1
 * })
 * stop()
 * ```
 */
export function subscribe(listener: Listener<ShieldEvent>, events?: readonly EventName[]): () => void {
  if (typeof listener !== 'function') throw new TypeError('subscribe: expected a function')
  // Text would be read as a list of letters.
  if (events !== undefined && !Array.isArray(events)) {
    throw new TypeError(`subscribe: expected an array of event names, got ${show(events)}`)
  }
  return watchAll(listener, events)
}
