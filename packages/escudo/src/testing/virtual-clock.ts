import type { Clock } from '../core/clock.ts'
import { type Duration, toMs } from '../core/options/durations.ts'
import { drain } from './macrotask.ts'

/** A clock that moves only when a test advances it. */
export interface VirtualClock extends Clock {
  /**
   * Moves time forward and fires the timers that become due.
   *
   * All pending microtasks run first, and again after each timer. Timers fire in the order of their due times; timers
   * with equal due times fire in the order in which they were set. During a timer, `now()` is its due time. A timer
   * that is set meanwhile fires too if it becomes due.
   *
   * Calls of `advance` run one after the other: a call made while another one runs, also inside a timer or an operation,
   * starts where that one ends. So each moves time by its whole duration, and time never goes back. A fake clock of a
   * test runner does not affect this one, and need not be removed first.
   */
  advance(duration: Duration): Promise<void>
  /** The number of timers that are set. It should be 0 after all calls have settled. */
  readonly pending: number
}

interface Timer {
  readonly dueMs: number
  readonly fire: () => void
}

/**
 * Creates a clock for tests. It starts at 0.
 *
 * Retries, timeouts, circuit breakers and faults wait on it, so a test of an hour takes a few milliseconds.
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
  // Sorted by due time, then by the order of setting.
  const timers: Timer[] = []
  let nowMs = 0

  /** Settles when the latest call of `advance` has ended. */
  let advancing: Promise<unknown> = Promise.resolve()

  const advanceBy = async (durationMs: number): Promise<void> => {
    const untilMs = nowMs + durationMs
    await drain()
    for (let timer = timers[0]; timer !== undefined && timer.dueMs <= untilMs; timer = timers[0]) {
      timers.shift()
      nowMs = timer.dueMs
      timer.fire()
      await drain()
    }
    nowMs = untilMs
  }

  return {
    now: () => nowMs,

    get pending() {
      return timers.length
    },

    setTimer(fire, delayMs) {
      // As with `setTimeout`, a delay that is not above 0, including NaN, is due immediately.
      const timer: Timer = { dueMs: nowMs + (delayMs > 0 ? delayMs : 0), fire }
      timers.splice(insertionIndex(timers, timer.dueMs), 0, timer)
      return () => {
        const index = timers.indexOf(timer)
        if (index !== -1) timers.splice(index, 1)
      }
    },

    async advance(duration) {
      const durationMs = toMs(duration, 'advance')
      const advanced = advancing.then(() => advanceBy(durationMs))
      // A timer that throws rejects its own call of `advance`, not the next one.
      advancing = advanced.catch(() => {})
      await advanced
    },
  }
}

/** The index behind all timers that are due no later than `dueMs`. Binary search. */
function insertionIndex(timers: readonly Timer[], dueMs: number): number {
  let low = 0
  let high = timers.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((timers[middle] as Timer).dueMs <= dueMs) low = middle + 1
    else high = middle
  }
  return low
}
