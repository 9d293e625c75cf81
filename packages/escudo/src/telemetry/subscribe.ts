import { type EventName, type Listener, type ShieldEvent, watchAll } from '../core/events/events.ts'

/**
 * Hears events of every shield in this process: changes of state, retries, refusals, timeouts, fallbacks. While nobody
 * listens, events are not even made.
 *
 * @param listener what it throws or rejects with is reported once, and reaches no policy
 * @param events which events it hears. Default: all but `executed`, which is told of every single call
 * @returns ends the subscription
 * @throws TypeError for a listener that is no function, and for an event that does not exist
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
  return watchAll(listener, events)
}
