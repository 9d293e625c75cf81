import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../index.ts'

interface Timer {
  readonly dueMs: number
  readonly fire: () => void
}

/** A clock of a runtime whose event loop is blocked: timers fire late, and late ones in any order. */
export interface LateClock extends Clock {
  /** How many timers are set. */
  readonly pending: number
  /** Lets time pass without firing a timer. */
  block(ms: number): void
  /** Fires all timers that are due, also those that these set. `pick` chooses the next one of `count`. */
  fireDue(pick?: (count: number) => number): Promise<void>
}

export function lateClock(): LateClock {
  const timers = new Set<Timer>()
  let nowMs = 0
  const nextDue = (pick: (count: number) => number): Timer | undefined => {
    const due = [...timers].filter(({ dueMs }) => dueMs <= nowMs)
    return due[pick(due.length)]
  }
  return {
    now: () => nowMs,
    get pending() {
      return timers.size
    },
    setTimer(fire, delayMs) {
      const timer: Timer = { dueMs: nowMs + Math.max(0, delayMs), fire }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    block(ms) {
      nowMs += ms
    },
    async fireDue(pick = () => 0) {
      await setImmediate()
      for (let timer = nextDue(pick); timer !== undefined; timer = nextDue(pick)) {
        timers.delete(timer)
        timer.fire()
        await setImmediate()
      }
    },
  }
}
