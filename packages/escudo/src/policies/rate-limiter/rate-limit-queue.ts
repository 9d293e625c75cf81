import type { CancelTimer, Clock } from '../../core/clock.ts'
import { withAmbient } from '../../core/context/ambient.ts'
import { type Cancellation, type CancelScope, Watcher } from '../../core/engine/cancel-scope.ts'
import type { Waiter } from '../shared/state/queue.ts'
import { PermitQueue, type PermitWaiter } from './state/permit-queue.ts'
import type { RateLimit } from './state/rate-limit.ts'

/** The policy, as its lanes see it. */
export interface QueueOwner {
  readonly clock: Clock
  readonly maxWaitMs: number
  /** One more waits in a lane, or one less. */
  queueChanged(lane: RateLimitQueue, by: 1 | -1): void
}

/** The permits of one key, the line of calls that wait for one, and the one timer that wakes the head of it. */
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

  get queued(): number {
    return this.#queue.queued
  }

  available(now: number): number {
    return this.#queue.available(now)
  }

  /** Takes a permit at once, where there is one. Whoever waits goes first, also where the timer is late. */
  tryTake(now: number): boolean {
    if (this.queued > 0) this.#serve(now)
    return this.#queue.tryTake(now) !== undefined
  }

  /** After how long it makes sense to come back, for one who may not wait; undefined for one who may. */
  refusalMs(deadline: number | undefined, now: number): number | undefined {
    return this.#queue.refusalMs(deadline, now)
  }

  /** Waits in the line; to be asked before is {@link refusalMs}. */
  wait(scope: CancelScope | undefined, deadline: number | undefined, now: number): WaitingCall {
    const waiter = new WaitingCall(this)
    this.#queue.add(waiter, deadline, now)
    this.#owner.queueChanged(this, 1)
    if (this.#cancelTimer === undefined) this.#arm(now)
    if (scope !== undefined) waiter.watch(scope)
    return waiter
  }

  /** A waiter gives up; those behind it move up. */
  remove(waiter: WaitingCall): void {
    if (!this.#queue.remove(waiter)) return
    this.#owner.queueChanged(this, -1)
    // The timer is the head's, whoever that is: the first permit comes when it comes.
    if (this.queued === 0) this.#disarm()
  }

  /** A permit came back unused: it is for the next one. */
  giveBack(permit: number): void {
    const now = this.#owner.clock.now()
    this.#queue.giveBack(permit, now)
    this.#serve(now)
  }

  /** Lets all go whose wait is over. */
  #serve(now: number): void {
    let served = false
    for (let waiter = this.#queue.next(now); waiter !== undefined; waiter = this.#queue.next(now)) {
      served = true
      this.#owner.queueChanged(this, -1)
      waiter.end()
    }
    if (served || this.#cancelTimer === undefined) this.#arm(now)
  }

  #arm(now: number): void {
    this.#disarm()
    const delayMs = this.#queue.delayMs(now)
    if (delayMs === undefined) return
    const { clock } = this.#owner
    const fire = (): void => {
      this.#cancelTimer = undefined
      this.#serve(clock.now())
    }
    // Outside of any request: the timer serves them all.
    this.#cancelTimer = withAmbient(undefined, () => clock.setTimer(fire, delayMs))
  }

  #disarm(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }
}

/** One call that waits: for its permit, or for its caller to give up, whichever comes first. */
export class WaitingCall extends Watcher implements PermitWaiter {
  ahead: Waiter | undefined
  behind: Waiter | undefined
  waiting = false
  latestMs = 0
  permit: number | undefined
  /** Resolves when the wait is over: with a permit, or cut, or too late. */
  readonly over: Promise<void>
  readonly #lane: RateLimitQueue
  #resolve: () => void = () => {}

  constructor(lane: RateLimitQueue) {
    super()
    this.#lane = lane
    this.over = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  /** The line let it go. */
  end(): void {
    this.unwatch()
    this.#resolve()
  }

  override onCancel(_cut: Cancellation): void {
    this.#lane.remove(this)
    this.end()
  }
}
