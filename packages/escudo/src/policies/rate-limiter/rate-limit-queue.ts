import { type CancelTimer, type Clock, sharesTimers, systemClock } from '../../core/clock.ts'
import { withAmbient } from '../../core/context/ambient.ts'
import { type Cancellation, type CancelScope, Watcher } from '../../core/engine/cancel-scope.ts'
import type { Waiter } from '../shared/state/queue.ts'
import { PermitQueue, type PermitWaiter } from './state/permit-queue.ts'
import type { RateLimit, RateLimitSettings } from './state/rate-limit.ts'

// The runtime's timers fire a few milliseconds late. Without this grace, a call whose permit comes exactly at the end of
// `maxWait` would wait that long and then be rejected.
const TIMER_GRACE_MS = 10

/** How much later than `maxWait` a call may start. */
export function graceMsOf(clock: Clock): number {
  return clock === systemClock ? TIMER_GRACE_MS : 0
}

/** What a queue needs of its rate limiter. */
export interface QueueOwner {
  readonly clock: Clock
  readonly maxWaitMs: number
  /** Called when a call has joined the queue (1) or left it (-1). */
  queueChanged(queue: RateLimitQueue, by: 1 | -1): void
}

/** The permits of one key, the calls that wait for one, and the timer for the first of these calls. */
export class RateLimitQueue {
  readonly key: string | undefined
  readonly #owner: QueueOwner
  readonly #queue: PermitQueue<WaitingCall>
  #cancelTimer: CancelTimer | undefined

  constructor(key: string | undefined, limit: RateLimit, owner: QueueOwner) {
    this.key = key
    this.#owner = owner
    this.#queue = new PermitQueue(limit, owner.maxWaitMs)
  }

  get limit(): RateLimit {
    return this.#queue.limit
  }

  get queued(): number {
    return this.#queue.queued
  }

  available(now: number): number {
    return this.#queue.available(now)
  }

  /** The highest cost that a call can have. */
  get costMax(): number {
    return this.#queue.costMax
  }

  /** Takes a permit immediately; undefined if there is none. Waiting calls come first, even if their timer is late. */
  tryAcquire(now: number, cost?: number): number | undefined {
    if (this.queued > 0) this.#serve(now)
    return this.#queue.tryAcquire(now, cost)
  }

  /** Returns a function that corrects the permits that were just taken with a cost. */
  settlement(permit: number, cost: number): (actual: number) => void {
    const { order } = this.#queue
    return (actual) => {
      const now = this.#owner.clock.now()
      this.#queue.settle(order, permit, cost, actual, now)
      if (this.queued > 0) this.#serve(now)
    }
  }

  /** Returns when to try again, for a call that may not wait; undefined if the call may wait. */
  retryAfterMs(deadline: number | undefined, now: number, cost?: number): number | undefined {
    return this.#queue.retryAfterMs(deadline, now, cost)
  }

  /** Adds a call to the queue. Requires that {@link retryAfterMs} returns undefined for it. */
  wait(scope: CancelScope | undefined, deadline: number | undefined, now: number, cost?: number): WaitingCall {
    const call = new WaitingCall(this, cost)
    this.#queue.add(call, deadline, now)
    this.#owner.queueChanged(this, 1)
    if (!sharesTimers(this.#owner.clock)) this.#armFor(call, now)
    else if (this.#cancelTimer === undefined) this.#arm(now)
    call.watch(scope)
    return call
  }

  /** Changes the limit. A call that waits may now have its permit, or get it earlier or later. */
  resize(settings: RateLimitSettings, maxWaitMs: number, now: number): void {
    this.#queue.resize(settings, maxWaitMs, now)
    if (this.queued === 0) return
    this.#serve(now)
    this.#arm(now)
  }

  /** Permits have come earlier than expected. */
  permitsCame(): void {
    if (this.queued > 0) this.#serve(this.#owner.clock.now())
  }

  /** Removes a cancelled call; the calls behind it move up. */
  remove(call: WaitingCall): void {
    if (!this.#queue.remove(call)) return
    this.#owner.queueChanged(this, -1)
    // The timer is for the next permit, whichever call gets it, so it changes only if the queue is empty.
    if (this.queued === 0) this.#disarm()
  }

  /** Takes back an unused permit and gives it to the next call. */
  giveBack(permit: number): void {
    const now = this.#owner.clock.now()
    this.#queue.giveBack(permit, now)
    this.#serve(now)
  }

  /** Ends the wait of all calls that have a permit by now, or would get it too late. */
  #serve(now: number): void {
    const graceMs = graceMsOf(this.#owner.clock)
    let served = false
    for (let call = this.#queue.next(now, graceMs); call !== undefined; call = this.#queue.next(now, graceMs)) {
      served = true
      this.#owner.queueChanged(this, -1)
      const { permit, cost } = call
      if (permit !== undefined && cost !== undefined) call.settle = this.settlement(permit, cost)
      call.end()
    }
    if (served || this.#cancelTimer === undefined) this.#arm(now)
  }

  /** Sets a timer for one call, because it cannot rely on that of another one. Any such timer serves all calls. */
  #armFor(call: WaitingCall, now: number): void {
    const delayMs = this.#queue.delayMs(now)
    if (delayMs === undefined) return
    const { clock } = this.#owner
    call.cancelTimer = clock.setTimer(() => {
      this.#serve(clock.now())
      if (call.waiting) this.#armFor(call, clock.now())
    }, delayMs)
  }

  #arm(now: number): void {
    this.#disarm()
    const { clock } = this.#owner
    // If timers are not shared now, they may have been when the first call began to wait: it has no separate one.
    if (!sharesTimers(clock) && this.#queue.head?.cancelTimer !== undefined) return
    const delayMs = this.#queue.delayMs(now)
    if (delayMs === undefined) return
    const fire = (): void => {
      this.#cancelTimer = undefined
      this.#serve(clock.now())
    }
    // Outside any request's context: the timer serves the calls of all requests.
    this.#cancelTimer = withAmbient(undefined, () => clock.setTimer(fire, delayMs))
  }

  #disarm(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }
}

/** A call that waits until it has a permit or is cancelled, whichever comes first. */
export class WaitingCall extends Watcher implements PermitWaiter {
  ahead: Waiter | undefined
  behind: Waiter | undefined
  waiting = false
  latestMs = 0
  permit: number | undefined
  readonly cost: number | undefined
  /** Corrects the permits of a call with a cost. */
  settle: ((actual: number) => void) | undefined
  /** Cancels the timer of this call, if it has a separate one. */
  cancelTimer: CancelTimer | undefined
  /** Resolves when the wait is over: with a permit, cancelled, or too late for a permit. */
  readonly over: Promise<void>
  readonly #queue: RateLimitQueue
  #resolve: () => void = () => {}

  constructor(queue: RateLimitQueue, cost: number | undefined) {
    super()
    this.#queue = queue
    this.cost = cost
    this.over = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  /** Ends the wait. The call has left the queue already. */
  end(): void {
    this.cancelTimer?.()
    this.unwatch()
    this.#resolve()
  }

  override onCancel(_cancellation: Cancellation): void {
    this.#queue.remove(this)
    this.end()
  }
}
