import { setImmediate } from 'node:timers/promises'
import { type AnyPolicy, type Clock, definePolicy, type Shield, shield } from '../../index.ts'

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

/** A shield of policies in any order, also one that its types refuse. */
export const shielded = (clock: Clock, ...policies: AnyPolicy[]): Shield =>
  shield({ name: 's', clock }, ...(policies as never[])) as unknown as Shield

/** A policy that waits before it enters the inner policies. */
export const waiting = (ms: number): AnyPolicy =>
  definePolicy({
    name: 'waits',
    wrap: (next) => async (call, operation) => {
      await new Promise<void>((resolve) => call.clock.setTimer(resolve, ms))
      return await next(call, operation)
    },
  })
