import { ambient } from '../core/context/ambient.ts'
import { watchAll } from '../core/events/events.ts'

let isWatching = false

/**
 * Passes retries, fallbacks and stale values of every shield to the tally of the request in whose context they happen.
 *
 * It starts with the first exchange and never ends. The events are those of failures, so a success costs nothing.
 */
export function watchShields(): void {
  if (isWatching) return
  isWatching = true
  watchAll(
    (event) => {
      const tally = ambient()?.tally
      if (tally === undefined) return
      if (event.type === 'retry') tally.countRetry()
      // A refresh that fails in the background degrades no answer.
      else if (event.type !== 'stale' || !event.refresh) tally.countDegraded(event.shield)
    },
    ['retry', 'fallback', 'stale'],
  )
}
