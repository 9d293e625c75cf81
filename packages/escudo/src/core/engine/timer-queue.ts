import { type CancelTimer, type Clock, ownClock, RUNTIME_SHARES_TIMERS, sharesTimers, systemClock } from '../clock.ts'
import { type Ambient, withAmbient } from '../context/ambient.ts'
import { currentContext } from '../context/tracer.ts'
import { isEnding } from '../process-end.ts'

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
 * When the list becomes empty, a timer of the system clock stays armed for the next call. A queue that is empty at the
 * next sweep releases it. Until then, for at most {@link SWEEP_MS}, it keeps the process alive: to change that for each
 * call costs as much as a policy. In a process that is about to end, each empty queue releases its timer immediately.
 *
 * Where waits cannot share a timer (see {@link sharesTimers}), each has a separate one.
 */
export class TimerQueue {
  readonly #clock: Clock
  readonly #delayMs: number
  /** The clock of the shared timer. It is not affected by fake timers. */
  readonly #timerClock: Clock
  /** The first of a ring: what is earlier than it is the last one. One field, because each store into it costs. */
  #head: TimerEntry | undefined
  #cancelTimer: CancelTimer | undefined
  /** When the timer fires, on the clock. */
  #timerDueMs = 0
  /** Whether the next sweep looks at this queue. */
  #inSweep = false
  /** The waits with a separate timer. Undefined until there is one. */
  #separate: Map<TimerEntry, CancelTimer> | undefined

  constructor(clock: Clock, delayMs: number) {
    this.#clock = clock
    this.#delayMs = delayMs
    this.#timerClock = clock === systemClock ? ownClock : clock
  }

  /** Adds a wait that begins now. */
  add(entry: TimerEntry, now: number = this.#clock.now()): void {
    entry.dueMs = now + this.#delayMs
    entry.context = currentContext()
    if (!sharesTimers(this.#clock)) {
      entry.queued = true
      this.#addSeparate(entry, this.#delayMs)
      return
    }
    const head = this.#head
    if (head === undefined) {
      // First, because it may throw: the stack overflowed, or a custom clock threw. Later waits rely on the timer of this
      // one, and would otherwise never end.
      this.#busy(now)
      entry.queued = true
      entry.earlier = entry
      entry.later = entry
      this.#head = entry
      return
    }
    entry.queued = true
    const tail = head.earlier as TimerEntry
    entry.earlier = tail
    entry.later = head
    tail.later = entry
    head.earlier = entry
  }

  /** Adds a wait that ends after another time than those of this queue. It has a separate timer. */
  addFor(entry: TimerEntry, delayMs: number, now: number): void {
    entry.dueMs = now + delayMs
    entry.context = currentContext()
    entry.queued = true
    this.#addSeparate(entry, delayMs)
  }

  /** Removes a wait. Does nothing if the wait is not in the queue. */
  remove(entry: TimerEntry): void {
    if (!entry.queued) return
    entry.queued = false
    if (this.#separate !== undefined && this.#removeSeparate(entry)) return
    const { earlier, later } = entry as { earlier: TimerEntry; later: TimerEntry }
    entry.earlier = undefined
    entry.later = undefined
    if (later === entry) {
      this.#head = undefined
      this.#idle()
      return
    }
    earlier.later = later
    later.earlier = earlier
    if (this.#head === entry) this.#head = later
  }

  /** Releases the timer of an empty queue. Only the sweep calls this. */
  sweep(): void {
    this.#inSweep = false
    if (this.#head !== undefined) return
    this.#disarm()
    forget(this.#clock, this.#delayMs, this)
  }

  #addSeparate(entry: TimerEntry, delayMs: number): void {
    this.#separate ??= new Map()
    const fire = (): void => {
      this.remove(entry)
      withAmbient(entry.context, () => entry.expire())
    }
    this.#separate.set(entry, this.#clock.setTimer(fire, delayMs))
  }

  #removeSeparate(entry: TimerEntry): boolean {
    const cancel = this.#separate?.get(entry)
    if (cancel === undefined) return false
    this.#separate?.delete(entry)
    cancel()
    return true
  }

  /** The first wait begins. */
  #busy(now: number): void {
    if (this.#cancelTimer === undefined) this.#arm(this.#delayMs, now)
    else if (now > this.#timerDueMs) this.#armAgain(now)
  }

  #idle(): void {
    if (this.#cancelTimer === undefined) return
    if (this.#timerClock === ownClock && RUNTIME_SHARES_TIMERS) {
      if (this.#inSweep) return
      if (!isEnding()) {
        sweepSoon(this)
        this.#inSweep = true
        return
      }
    }
    this.#disarm()
  }

  #arm(delayMs: number, now: number): void {
    // Set outside any request's context, because the timer serves all requests.
    this.#cancelTimer = withAmbient(undefined, () => this.#timerClock.setTimer(() => this.#fire(), delayMs))
    this.#timerDueMs = now + delayMs
    remember(this.#clock, this.#delayMs, this)
  }

  /** The idle timer is overdue. It may be late, or lost with the environment of a test that set it. */
  #armAgain(now: number): void {
    this.#disarm()
    this.#arm(this.#delayMs, now)
  }

  #disarm(): void {
    const cancel = this.#cancelTimer
    this.#cancelTimer = undefined
    cancel?.()
  }

  #fire(): void {
    this.#cancelTimer = undefined
    const now = this.#timerClock.now()
    for (let entry = this.#head; entry !== undefined && entry.dueMs <= now; entry = this.#head) {
      this.remove(entry)
      withAmbient(entry.context, () => entry.expire())
    }
    // The code of an expired entry may have added a wait, which armed the timer.
    if (this.#head !== undefined && this.#cancelTimer === undefined) this.#arm(this.#head.dueMs - now, now)
  }
}

const queuesByClock = new WeakMap<Clock, Map<number, TimerQueue>>()

// Durations come from options, so a program has few of them. A program that computes durations may exceed this bound.
// Each further policy then has a separate queue: that is slower, but memory stays bounded.
const SHARED_QUEUES_MAX = 1_000

/** Returns the queue of a duration, which all policies on the same clock share. */
export function timerQueue(clock: Clock, delayMs: number): TimerQueue {
  const known = queuesByClock.get(clock)?.get(delayMs)
  if (known !== undefined) return known
  const queue = new TimerQueue(clock, delayMs)
  remember(clock, delayMs, queue)
  return queue
}

/** Shares a queue from now on, unless another one of the same duration is shared. */
function remember(clock: Clock, delayMs: number, queue: TimerQueue): void {
  let queues = queuesByClock.get(clock)
  if (queues === undefined) {
    queues = new Map()
    queuesByClock.set(clock, queues)
  }
  if (queues.size < SHARED_QUEUES_MAX && !queues.has(delayMs)) queues.set(delayMs, queue)
}

/** Shares a queue no longer: policies that still have it can use it. */
function forget(clock: Clock, delayMs: number, queue: TimerQueue): void {
  const queues = queuesByClock.get(clock)
  if (queues?.get(delayMs) === queue) queues.delete(delayMs)
}

// Often enough that a program ends soon after its last call, and that one which makes a policy for each call keeps few
// timers; rarely enough that a queue in constant use, which may be empty at that moment, sets a new timer for one call in
// many.
const SWEEP_MS = 10

let idleQueues: TimerQueue[] = []

/** Releases the timer of a queue if the queue is empty a moment later. One timer serves all queues. */
function sweepSoon(queue: TimerQueue): void {
  // The timer first: if the stack overflows in it, the next idle queue sets it.
  if (idleQueues.length === 0) withAmbient(undefined, () => ownClock.setTimer(sweep, SWEEP_MS, { background: true }))
  idleQueues.push(queue)
}

function sweep(): void {
  const queues = idleQueues
  idleQueues = []
  for (const idle of queues) idle.sweep()
}
