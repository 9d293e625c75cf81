import { type Listener, type ShieldEvent, watchAll } from '../core/events.ts'

/**
 * Hears every event of every shield in this process: changes of state, retries, refusals, timeouts, fallbacks. While
 * nobody listens, events are not even made.
 *
 * @param listener what it throws or rejects with is reported once, and reaches no policy
 * @returns ends the subscription
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
export function subscribe(listener: Listener<ShieldEvent>): () => void {
  if (typeof listener !== 'function') throw new TypeError('subscribe: expected a function')
  return watchAll(listener)
}
