import type { CancelTimer, Clock } from '../clock.ts'
import { type Ambient, ambient, withAmbient } from '../context/ambient.ts'

/** One wait in a {@link TimerQueue}. A node of its linked list, so that removing it is O(1). */
export interface TimerEntry {
  queued: boolean
  dueMs: number
  earlier: TimerEntry | undefined
  later: TimerEntry | undefined
  /** The asynchronous context in which the wait began. The queue's timer may have been set in another one. */
  context: Ambient | undefined
  /** Runs when the time is up. The entry is no longer in the queue. */
  expire(): void
}

/**
 * All waits of one duration on one clock, with one timer.
 *
 * Waits of one duration end in the order in which they began. A list with a timer for its head is therefore enough: a
 * call that ends in time is added and removed, and sets no timer.
 *
 * When the list becomes empty, the timer stays armed for the next call. Meanwhile it does not keep the process alive.
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

  /** Adds a wait that begins now. */
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

  /** Removes a wait. Does nothing if the wait is not in the queue. */
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
    // Set outside any request's context, because the timer serves all requests.
    this.#cancelTimer = withAmbient(undefined, () => this.#clock.setTimer(() => this.#fire(), delayMs))
  }

  #fire(): void {
    this.#cancelTimer = undefined
    const now = this.#clock.now()
    for (let entry = this.#head; entry !== undefined && entry.dueMs <= now; entry = this.#head) {
      this.remove(entry)
      withAmbient(entry.context, () => entry.expire())
    }
    // The code of an expired entry may have added a wait, which armed the timer.
    if (this.#head !== undefined && this.#cancelTimer === undefined) this.#arm(this.#head.dueMs - now)
  }
}

const queuesByClock = new WeakMap<Clock, Map<number, TimerQueue>>()

// Durations come from options, so a program has few of them. A program that computes durations may exceed this bound.
// Each further policy then has a separate queue: that is slower, but memory stays bounded.
const SHARED_QUEUES_MAX = 1_000

/** Returns the queue of a duration, which all policies on the same clock share. */
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
