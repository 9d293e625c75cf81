import type { Clock } from '../core/clock.ts'
import { type Duration, toMs } from '../core/options/durations.ts'

/** A clock that stands still until a test moves it. */
export interface VirtualClock extends Clock {
  /**
   * Moves time forward. Lets everything that can run now run first; then fires the timers that fall due, in the order
   * of their due times and, among equals, of their setting, each at its own time, and lets everything run after each.
   * Timers that are set meanwhile take part.
   */
  advance(duration: Duration): Promise<void>
  /** How many timers are set. After all calls have settled it should be 0. */
  readonly pending: number
}

interface Timer {
  readonly dueMs: number
  readonly fire: () => void
}

// The real one, also when a test replaces the global: a macrotask comes only after all microtasks have run.
const macrotask: (resume: () => void) => void =
  typeof setImmediate === 'function' ? setImmediate : (resume) => void setTimeout(resume, 0)

/**
 * Makes a clock for tests: retries, timeouts, circuit breakers and faults wait on it, and a test that would take an hour
 * takes a millisecond. It starts at 0.
 *
 * @example
 * ```ts
 * import { constant, retry, shield } from 'escudo'
 * import { virtualClock } from 'escudo/testing'
 *
 * const clock = virtualClock()
 * const inventory = shield({ name: 'inventory', clock }, retry({ maxRetries: 1, backoff: constant('1h') }))
 * let calls = 0
 * const answer = inventory.run(() => {
 *   calls += 1
 *   if (calls === 1) throw new Error('connection refused')
 *   return 42
 * })
 * await clock.advance('1h')
 * console.log(await answer) // 42
 * ```
 */
export function virtualClock(): VirtualClock {
  // Sorted by due time; equals in the order of their setting.
  const timers: Timer[] = []
  let nowMs = 0

  const drain = (): Promise<void> => new Promise((resume) => macrotask(resume))

  return {
    now: () => nowMs,

    get pending() {
      return timers.length
    },

    setTimer(fire, delayMs) {
      // As `setTimeout` takes it: what is no number above 0, NaN included, is due at once.
      const timer: Timer = { dueMs: nowMs + (delayMs > 0 ? delayMs : 0), fire }
      timers.splice(placeOf(timers, timer.dueMs), 0, timer)
      return () => {
        const index = timers.indexOf(timer)
        if (index !== -1) timers.splice(index, 1)
      }
    },

    async advance(duration) {
      const untilMs = nowMs + toMs(duration, 'advance')
      await drain()
      for (let timer = timers[0]; timer !== undefined && timer.dueMs <= untilMs; timer = timers[0]) {
        timers.shift()
        nowMs = timer.dueMs
        timer.fire()
        await drain()
      }
      nowMs = untilMs
    },
  }
}

/** Where a timer belongs: behind all that are due no later. Searched by halves. */
function placeOf(timers: readonly Timer[], dueMs: number): number {
  let low = 0
  let high = timers.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((timers[middle] as Timer).dueMs <= dueMs) low = middle + 1
    else high = middle
  }
  return low
}
