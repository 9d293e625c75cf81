import type { Clock } from '../../core/clock.ts'
import type { Ambient } from '../../core/context/ambient.ts'
import { type CallRoot, type CallState, enteredMs } from '../../core/engine/call.ts'
import { readerTookMs } from '../../core/engine/reader-time.ts'
import { type TimerEntry, type TimerQueue, timerQueue } from '../../core/engine/timer-queue.ts'
import type { Circuits } from './circuits.ts'
import type { Breaker } from './state/breaker.ts'
import type { Permit } from './state/permit.ts'

/** A limit of a trip that counts slow calls, and the timers of the calls in flight that have not exceeded it. */
export interface SlowLimit {
  readonly limitMs: number
  readonly timers: TimerQueue
}

// A call that takes exactly as long as the limit is not slow, so the timer is due a microsecond later.
const LATER_MS = 0.001
// How often a call whose reader has an item is looked at again.
const READING_MS = 1_000

/** Makes the timers of one breaker in one shield. Each limit is timed from the one before. */
export function slowLimits(clock: Clock, limitsMs: readonly number[] | undefined): readonly SlowLimit[] | undefined {
  return limitsMs?.map((limitMs, index) => {
    const previousMs = limitsMs[index - 1]
    const delayMs = previousMs === undefined ? limitMs + LATER_MS : limitMs - previousMs
    return { limitMs, timers: timerQueue(clock, delayMs) }
  })
}

/**
 * Times one call of a breaker whose trip counts slow calls.
 *
 * A call counts as slow while it is still in flight. Otherwise a dependency that hangs would never be slow.
 */
export class SlowTimer implements TimerEntry {
  // Declared here and assigned in the constructor: see Watcher.
  declare queued: boolean
  declare dueMs: number
  declare earlier: TimerEntry | undefined
  declare later: TimerEntry | undefined
  declare context: Ambient | undefined
  declare private readonly breaker: Breaker
  declare private readonly permit: Permit
  declare private readonly limits: readonly SlowLimit[]
  declare private readonly circuits: Circuits
  declare private readonly root: CallRoot
  declare private readonly startedMs: number
  /** How many of the limits the call has exceeded. */
  declare private exceeded: number

  constructor(call: CallState, breaker: Breaker, permit: Permit, limits: readonly SlowLimit[], circuits: Circuits) {
    this.queued = false
    this.dueMs = 0
    this.earlier = undefined
    this.later = undefined
    this.context = undefined
    this.breaker = breaker
    this.permit = permit
    this.limits = limits
    this.circuits = circuits
    this.root = call.root
    this.startedMs = enteredMs(call)
    this.exceeded = 0
    limits[0]?.timers.add(this, this.startedMs)
  }

  /** The call exceeds its next limit. */
  expire(): void {
    const { breaker, permit, limits, circuits, root } = this
    const { limitMs, timers } = limits[this.exceeded] as SlowLimit
    if (root.readerTime !== undefined) {
      const now = circuits.clock.now()
      const tookMs = now - this.startedMs - readerTookMs(root, now)
      // The duration is exact at the end of the call. Until then it is enough to look again now and then.
      if (tookMs <= limitMs) {
        const leftMs = limitMs - tookMs + LATER_MS
        timers.addFor(this, root.readerTime.sinceMs === undefined ? leftMs : READING_MS, now)
        return
      }
    }
    this.exceeded += 1
    limits[this.exceeded]?.timers.add(this)
    breaker.exceeds(limitMs, permit, circuits.clock.now())
    // It may have opened the circuit, or a probe may have ended.
    if (breaker.state !== 'closed') circuits.rearm(breaker)
  }

  /** Ends the timing of a call that has settled. Returns its duration in milliseconds. */
  end(now: number): number {
    this.limits[this.exceeded]?.timers.remove(this)
    return now - this.startedMs - readerTookMs(this.root, now)
  }

  /** The largest limit for which the breaker has counted the call as slow; undefined if there is none. */
  get countedSlowMs(): number | undefined {
    return this.limits[this.exceeded - 1]?.limitMs
  }
}
