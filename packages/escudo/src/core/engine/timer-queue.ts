import type { CancelTimer, Clock } from '../clock.ts'
import { type Ambient, ambient, withAmbient } from '../context/ambient.ts'

/** One who waits in a {@link TimerQueue}: a node of its list, so that leaving it costs no search. */
export interface TimerEntry {
  queued: boolean
  dueMs: number
  earlier: TimerEntry | undefined
  later: TimerEntry | undefined
  /** The context in which the wait began; the queue's one timer belongs to somebody else's. */
  context: Ambient | undefined
  /** The time is up. The entry has left the queue. */
  expire(): void
}

/**
 * All waits of one duration on one clock. They end in the order in which they began, so a list with a timer for its
 * head is all that it takes: a call that ends in time joins and leaves the list, and sets no timer at all.
 *
 * The timer stays armed when the list runs empty, for the next call; meanwhile it does not keep the process alive.
 */
export class TimerQueue {
  readonly #clock: Clock
  readonly #delayMs: number
  #head: TimerEntry | undefined
  #tail: TimerEntry | undefined
  #cancelTimer: CancelTimer | undefined

  constructor(clock: Clock, delayMs: number) {
    this.#clock = clock
    this.#delayMs = delayMs
  }

  /** Joins the queue, with a wait that begins now. */
  add(entry: TimerEntry, now: number = this.#clock.now()): void {
    entry.dueMs = now + this.#delayMs
    entry.context = ambient()
    entry.queued = true
    entry.earlier = this.#tail
    entry.later = undefined
    if (this.#tail === undefined) this.#head = entry
    else this.#tail.later = entry
    this.#tail = entry
    if (this.#head !== entry) return
    if (this.#cancelTimer === undefined) this.#arm(this.#delayMs)
    else this.#cancelTimer.setBackground?.(false)
  }

  /** Leaves the queue; harmless for one who has left. */
  remove(entry: TimerEntry): void {
    if (!entry.queued) return
    entry.queued = false
    if (entry.earlier === undefined) this.#head = entry.later
    else entry.earlier.later = entry.later
    if (entry.later === undefined) this.#tail = entry.earlier
    else entry.later.earlier = entry.earlier
    entry.earlier = undefined
    entry.later = undefined
    if (this.#head === undefined) this.#idle()
  }

  #idle(): void {
    const timer = this.#cancelTimer
    if (timer === undefined) return
    if (timer.setBackground !== undefined) {
      timer.setBackground(true)
      return
    }
    timer()
    this.#cancelTimer = undefined
  }

  #arm(delayMs: number): void {
    // Outside of any request: the timer serves them all.
    this.#cancelTimer = withAmbient(undefined, () => this.#clock.setTimer(() => this.#fire(), delayMs))
  }

  #fire(): void {
    this.#cancelTimer = undefined
    const now = this.#clock.now()
    for (let entry = this.#head; entry !== undefined && entry.dueMs <= now; entry = this.#head) {
      this.remove(entry)
      withAmbient(entry.context, () => entry.expire())
    }
    // An expired entry's code may have begun a wait, and so armed the timer already.
    if (this.#head !== undefined && this.#cancelTimer === undefined) this.#arm(this.#head.dueMs - now)
  }
}

const queuesByClock = new WeakMap<Clock, Map<number, TimerQueue>>()

// Durations come from options, so a program has a handful of them. One that makes them up as it goes gets queues of its
// own beyond this bound: slower, never larger.
const SHARED_QUEUES_MAX = 1_000

/** The queue for a duration, shared by all policies on the same clock. */
export function timerQueue(clock: Clock, delayMs: number): TimerQueue {
  let queues = queuesByClock.get(clock)
  if (queues === undefined) {
    queues = new Map()
    queuesByClock.set(clock, queues)
  }
  let queue = queues.get(delayMs)
  if (queue === undefined) {
    queue = new TimerQueue(clock, delayMs)
    if (queues.size < SHARED_QUEUES_MAX) queues.set(delayMs, queue)
  }
  return queue
}
