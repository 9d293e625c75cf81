import { type Waiter, WaitQueue } from '../../shared/state/queue.ts'
import { delayUntil, later, type RateLimit } from './rate-limit.ts'

/** One who waits for a permit. */
export interface PermitWaiter extends Waiter {
  /** The last instant at which a permit is of use. Written when it joins. */
  latestMs: number
  /** The permit, once there is one. */
  permit: number | undefined
}

/**
 * The state of a rate limiter: permits, and a line of those who wait for one. Who joins has a permit reserved: the one
 * that comes after those of all who stand ahead. It joins only when that comes soon enough, so patience alone bounds the
 * line. Permits are taken when their time has come and not before: so one who leaves gives its reservation to those
 * behind, who all move up, and time in which nobody looked gives no more than the rate limit itself gives.
 *
 * Pure: it says who may go, and wakes nobody.
 */
export class PermitQueue<W extends PermitWaiter> {
  readonly #limit: RateLimit
  readonly #maxWaitMs: number
  readonly #line = new WaitQueue<W>()

  constructor(limit: RateLimit, maxWaitMs: number) {
    this.#limit = limit
    this.#maxWaitMs = maxWaitMs
  }

  get queued(): number {
    return this.#line.length
  }

  /** How many could go now. Whoever waits has the first ones. */
  available(now: number): number {
    return Math.max(0, this.#limit.available(now) - this.#line.length)
  }

  /** Takes a permit at once, where there is one and nobody waits. */
  tryTake(now: number): number | undefined {
    return this.#line.length > 0 ? undefined : this.#limit.tryTake(now)
  }

  /**
   * Whether one who came now would be refused, since the wait would be longer than the longest that is allowed, or last
   * until `deadline`, at which nobody needs a permit any more: then, after how long the next call is not refused, if
   * nobody else comes. Undefined for one who may join.
   */
  refusalMs(deadline: number | undefined, now: number): number | undefined {
    const permitAtMs = this.#limit.permitAtMs(this.#line.length, now)
    if (permitAtMs > now + this.#maxWaitMs) return this.#delayUntilAdmitted(permitAtMs, now)
    return deadline !== undefined && permitAtMs >= deadline ? delayUntil(permitAtMs, now) : undefined
  }

  /** Joins the end of the line; to be asked before is {@link refusalMs}. */
  add(waiter: W, deadline: number | undefined, now: number): void {
    const latestMs = now + this.#maxWaitMs
    waiter.latestMs = deadline === undefined || latestMs < deadline ? latestMs : deadline
    this.#line.add(waiter)
  }

  /** Leaves the line; all behind move up. False for one who is not in it: who has a permit must give that back. */
  remove(waiter: W): boolean {
    return this.#line.release(waiter)
  }

  /** Gives back a permit that was not used. */
  giveBack(permit: number, now: number): void {
    this.#limit.giveBack(permit, now)
  }

  /**
   * The next one whose wait is over: with a permit, or without one where it comes too late, which happens when nobody
   * looked in time. Undefined when the head of the line has to wait on. To be asked until there is nobody more.
   */
  next(now: number): W | undefined {
    const { head } = this.#line
    if (head === undefined) return undefined
    head.permit = this.#limit.tryTake(now)
    if (head.permit === undefined && !this.#tooLate(head, now)) return undefined
    this.#line.release(head)
    return head
  }

  /** How long until the head of the line has its permit; undefined when nobody waits. */
  delayMs(now: number): number | undefined {
    return this.#line.length === 0 ? undefined : delayUntil(this.#limit.permitAtMs(0, now), now)
  }

  #tooLate(head: W, now: number): boolean {
    // An instant that was computed along another way may differ in its last digits, and is not late for that.
    const permitAtMs = this.#limit.permitAtMs(0, now)
    return permitAtMs - head.latestMs > Math.abs(head.latestMs) * ROUNDING
  }

  /** Until one who comes then waits no longer than is allowed. */
  #delayUntilAdmitted(permitAtMs: number, now: number): number {
    const maxWaitMs = this.#maxWaitMs
    let joinAtMs = permitAtMs - maxWaitMs
    while (joinAtMs + maxWaitMs < permitAtMs) joinAtMs = later(joinAtMs)
    return delayUntil(joinAtMs, now)
  }
}

const ROUNDING = 1e-12
