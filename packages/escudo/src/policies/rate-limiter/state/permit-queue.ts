import { type Waiter, WaitQueue } from '../../shared/state/queue.ts'
import { delayUntil, nextInstant, type RateLimit, type RateLimitSettings } from './rate-limit.ts'

/** A waiter for a permit. */
export interface PermitWaiter extends Waiter {
  /** The last instant at which a permit is of use. Written when the waiter joins the queue. */
  latestMs: number
  /** The permit, once the waiter has one. */
  permit: number | undefined
  /** How many permits it needs; undefined: 1. */
  readonly cost?: number | undefined
}

/**
 * The state of a rate limiter: its permits, and a queue of calls that wait for one.
 *
 * Each waiter has a reservation: the permit that comes after those of all waiters ahead of it. A call may join only if
 * that permit comes soon enough, so `maxWaitMs` alone bounds the queue. A permit is taken when it is due and not
 * before. If a waiter leaves, all waiters behind it therefore move up by one reservation. A blocked event loop gives no
 * more permits than the rate limit itself does.
 *
 * Pure: it decides which waiter is next, and the caller of its methods wakes that waiter.
 */
export class PermitQueue<W extends PermitWaiter> {
  readonly limit: RateLimit
  #maxWaitMs: number
  readonly #queue = new WaitQueue<W>()
  /** How many permits all waiters need. */
  #needed = 0

  constructor(limit: RateLimit, maxWaitMs: number) {
    this.limit = limit
    this.#maxWaitMs = maxWaitMs
  }

  /** Changes the limit. Waiters stay in their order, and the last instant at which a permit is of use to them. */
  resize(settings: RateLimitSettings, maxWaitMs: number, now: number): void {
    this.limit.resize(settings, now)
    this.#maxWaitMs = maxWaitMs
  }

  get queued(): number {
    return this.#queue.length
  }

  /** The waiter that gets the next permit. */
  get head(): W | undefined {
    return this.#queue.head
  }

  /** How many calls could start now. The first permits belong to the waiters. */
  available(now: number): number {
    return Math.max(0, this.limit.available(now) - this.#needed)
  }

  /** Takes a permit immediately; undefined if there is none, or if calls wait. */
  tryAcquire(now: number, cost?: number): number | undefined {
    return this.#queue.length > 0 ? undefined : this.limit.tryAcquire(now, cost)
  }

  /**
   * Returns undefined if a call may join the queue now. Otherwise returns the time after which a new call is not
   * rejected, if no other call comes first.
   *
   * A call may not join if it would wait longer than `maxWaitMs`, or until its deadline or later. In a sliding window,
   * calls with a cost ahead may make it wait longer than it seems; its wait then ends without a permit.
   */
  retryAfterMs(deadline: number | undefined, now: number, cost = 1): number | undefined {
    const permitAtMs = this.limit.permitAtMs(this.#needed + cost - 1, now)
    if (permitAtMs > now + this.#maxWaitMs) return this.#delayUntilAdmitted(permitAtMs, now)
    return deadline !== undefined && permitAtMs >= deadline ? delayUntil(permitAtMs, now) : undefined
  }

  /** Adds a waiter to the end of the queue. Requires that {@link retryAfterMs} returns undefined for it. */
  add(waiter: W, deadline: number | undefined, now: number): void {
    const latestMs = now + this.#maxWaitMs
    waiter.latestMs = deadline === undefined || latestMs < deadline ? latestMs : deadline
    this.#queue.add(waiter)
    this.#needed += costOf(waiter)
  }

  /**
   * Removes a waiter; all behind it move up. Returns false if it is not in the queue: a waiter that has a permit must
   * give it back.
   */
  remove(waiter: W): boolean {
    if (!this.#queue.remove(waiter)) return false
    this.#needed -= costOf(waiter)
    return true
  }

  /** Gives back a permit that was not used. */
  giveBack(permit: number, now: number): void {
    this.limit.giveBack(permit, now)
  }

  /** The number of the permits that were taken last with a cost. */
  get order(): number {
    return this.limit.order
  }

  /** Corrects permits that were taken with a cost. */
  settle(order: number, permit: number, cost: number, actual: number, now: number): void {
    this.limit.settle(order, permit, cost, actual, now)
  }

  /** The highest cost that can be served. */
  get costMax(): number {
    return this.limit.costMax
  }

  /**
   * Removes and returns the next waiter whose wait is over; undefined if the head of the queue must continue to wait.
   * Call it until it returns undefined.
   *
   * The waiter has a permit, or none if it is too late for one: now, or when the permit is due. That happens only if
   * `next` was not called in time, or the limit has changed. Nor has it one if it needs more than a lower limit holds.
   *
   * @param graceMs how much later than its last instant a waiter still gets a permit
   */
  next(now: number, graceMs = 0): W | undefined {
    const { head } = this.#queue
    if (head === undefined) return undefined
    const late = costOf(head) > this.limit.costMax || isPast(head.latestMs + graceMs, now)
    head.permit = late ? undefined : this.limit.tryAcquire(now, head.cost)
    const tooLate = late || isPast(head.latestMs, this.limit.permitAtMs(costOf(head) - 1, now))
    if (head.permit === undefined && !tooLate) return undefined
    this.remove(head)
    return head
  }

  /** Returns the time until the head of the queue gets its permit; undefined if no call waits. */
  delayMs(now: number): number | undefined {
    const { head } = this.#queue
    return head && delayUntil(this.limit.permitAtMs(costOf(head) - 1, now), now)
  }

  /** Returns the time until a new call would wait no longer than `maxWaitMs`. */
  #delayUntilAdmitted(permitAtMs: number, now: number): number {
    const maxWaitMs = this.#maxWaitMs
    let joinAtMs = permitAtMs - maxWaitMs
    while (joinAtMs + maxWaitMs < permitAtMs) joinAtMs = nextInstant(joinAtMs)
    return delayUntil(joinAtMs, now)
  }
}

function costOf({ cost = 1 }: PermitWaiter): number {
  return cost
}

// Instants that are computed in different ways may differ in their last digits without being different.
const ROUNDING = 1e-12

/** Whether `now` is later than an instant. */
export function isPast(latestMs: number, now: number): boolean {
  return now - latestMs > Math.abs(latestMs) * ROUNDING
}
