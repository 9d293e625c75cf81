import type { LimitOfFleet, OnLoss } from '../../core/shared-state.ts'
import { LocalShare } from './local-share.ts'

/** What a lease needs from the outside. One object for all keys of a policy. */
export interface LeaseHost {
  readonly onLoss: OnLoss
  limit: LimitOfFleet
  /** The number of live instances, as last known; at least 1. */
  instances(): number
  /** Asks Redis for {@link LeasedPermits.want} permits, in the background. Every question gets an answer. */
  ask(lease: LeasedPermits, now: number): void
}

// A lease covers this much of the local rate. Half of it is the time in which the next lease must arrive.
const HORIZON_MS = 200
/** Permits beyond the reserve are not used later than this after they were asked for. */
export const LEASE_MS = 5_000
// An instance that has no call for this long gives back what exceeds its reserve.
const IDLE_MS = 1_000
// The guess for the answer of Redis, while a question is open.
const ANSWER_MS = 2
// After a question that got no answer.
const RETRY_MS = 100
// The share of the largest lease that an instance keeps while it has no calls, so that its next calls find a permit.
const RESERVE = 0.25

/**
 * The permits that one instance has leased from a limit in Redis.
 *
 * Redis debits a permit when it grants the lease, not when a call uses it. In any time `t`, the fleet therefore admits at
 * most `burst + limit · t / per` calls, and those for which permits were leased when `t` began.
 *
 * The lease is as large as the local rate needs for {@link HORIZON_MS}, and it doubles when it was too small. It is at
 * most the limit divided by the number of instances. The next one is asked for when half of it is used. Calls never wait
 * for Redis: without a permit they wait for a lease up to their `maxWait`, or are rejected.
 *
 * Pure: `now` is an argument, in milliseconds on one monotonic clock. It has the methods of the rate limiter's own limits.
 *
 * There is one object for each key. So its instants are whole milliseconds: the runtime stores a whole number in its field,
 * and any other number in 16 more bytes. It has no private methods: each class that has some adds a field.
 */
export class LeasedPermits<H extends LeaseHost = LeaseHost> {
  protected readonly host: H
  /** Made when Redis does not answer for the first time: most keys need none. It then follows what Redis grants. */
  #share: LocalShare | undefined
  #permits = 0
  /** How large the last lease was. Ask for more when half of it is left. */
  #lastLease: number
  /** When permits beyond the reserve end. */
  #leaseEndsMs: number
  #usedSinceLease = 0
  #leasedMs: number
  #usedMs: number
  #asking = false
  /** Whether a call found no permit since the last lease. */
  #exhausted = false
  #lost = false
  /** Redis has no permit before this instant. */
  #nextMs: number

  constructor(host: H, now: number) {
    const startMs = Math.floor(now)
    this.host = host
    this.#lastLease = reserveOf(host)
    this.#leaseEndsMs = startMs
    this.#leasedMs = startMs
    this.#usedMs = startMs
    this.#nextMs = startMs
  }

  /** Takes a permit, and returns the instant at which it counts as taken; undefined if there is none. */
  tryAcquire(now: number): number | undefined {
    if (this.#permits === 0 || now >= this.#leaseEndsMs) return this.acquireSlowly(now)
    this.#permits -= 1
    this.#usedSinceLease += 1
    this.#usedMs = Math.floor(now)
    if (this.#permits * 2 <= this.#lastLease && !this.#asking) this.askSoon(now)
    return now
  }

  /** Gives back a permit that was never used. */
  giveBack(): void {
    this.#permits += 1
  }

  /**
   * Returns when a call probably gets a permit, if `ahead` other calls take theirs first.
   *
   * It is exact only while Redis does not answer. Otherwise the other instances decide too.
   */
  permitAtMs(ahead: number, now: number): number {
    const missing = ahead + 1 - this.available(now)
    if (missing <= 0) return now
    const { limit, perMs } = this.host.limit
    if (this.#lost && this.host.onLoss === 'share') return this.shareAt(now).permitAtMs(ahead + 1, now)
    const fromMs = Math.max(this.#nextMs, now + ANSWER_MS)
    // If Redis has not said that it is empty, one lease may serve all calls.
    return this.#nextMs > now || this.#lost ? fromMs + ((missing - 1) * perMs) / limit : fromMs
  }

  /** How many calls could start now. */
  available(now: number): number {
    const leased = this.leasedAt(now)
    if (!this.#lost || leased > 0) return leased
    const { onLoss, limit } = this.host
    if (onLoss === 'open') return limit.burst
    return onLoss === 'share' ? this.shareAt(now).available(now) : 0
  }

  /** Changes the limit, for all keys of the host. */
  resize(limit: LimitOfFleet, now: number): void {
    this.host.limit = limit
    this.#share?.resize(limit, this.host.instances(), now)
    this.#permits = Math.min(this.#permits, leaseMaxOf(this.host))
    this.#nextMs = Math.floor(now)
  }

  /** How many permits to ask for. */
  want(now: number): number {
    const elapsedMs = Math.max(1, now - this.#leasedMs)
    const needed = Math.ceil((this.#usedSinceLease / elapsedMs) * HORIZON_MS)
    const enough = this.#exhausted ? this.#lastLease * 2 : Math.max(needed, Math.ceil(this.#lastLease / 2))
    return Math.max(1, Math.min(Math.max(enough, reserveOf(this.host)), leaseMaxOf(this.host)) - this.#permits)
  }

  /**
   * Redis has answered.
   *
   * @param waitMs when Redis has the next permit; 0 if it granted all
   * @param askedMs when the question was asked
   */
  granted(permits: number, waitMs: number, askedMs: number, now: number): void {
    this.#asking = false
    this.#lost = false
    this.#nextMs = waitMs === 0 ? Math.floor(now) : Math.ceil(now + waitMs)
    if (permits === 0) return
    this.#permits = this.leasedAt(now) + permits
    this.#leaseEndsMs = Math.floor(askedMs) + LEASE_MS
    this.#lastLease = this.#permits
    this.#exhausted = false
    this.#usedSinceLease = 0
    this.#leasedMs = Math.floor(now)
    this.debit(permits, now)
  }

  /** The question got no answer. */
  failed(now: number): void {
    this.#asking = false
    this.#lost = true
    this.#nextMs = Math.ceil(now) + RETRY_MS
    this.#share?.resize(this.host.limit, this.host.instances(), now)
  }

  /** Redis has answered a call that needs an exact permit. */
  answeredExactly(permits: number, now: number): void {
    this.#lost = false
    this.debit(permits, now)
  }

  get onLoss(): OnLoss {
    return this.host.onLoss
  }

  /** Takes a permit while Redis does not answer; false if there is none. */
  acquireWithoutRedis(now: number): boolean {
    const { onLoss } = this.host
    return onLoss === 'open' || (onLoss === 'share' && this.shareAt(now).tryAcquire(now))
  }

  /** Asks for the first lease. */
  start(now: number): void {
    this.askSoon(now)
  }

  /** Takes out what an idle instance does not need, to give it back to Redis. */
  takeIdle(now: number): number {
    if (now - this.#usedMs < IDLE_MS || now >= this.#leaseEndsMs) return 0
    return this.takeOut(Math.max(0, this.#permits - reserveOf(this.host)))
  }

  /** Takes out all permits, to give them back to Redis. */
  takeAll(now: number): number {
    return this.takeOut(this.leasedAt(now))
  }

  /** Whether an idle instance has nothing to give back. */
  get isSettled(): boolean {
    return !this.#asking && this.#permits <= reserveOf(this.host)
  }

  private shareAt(now: number): LocalShare {
    this.#share ??= new LocalShare(this.host.limit, this.host.instances(), now)
    return this.#share
  }

  /** What Redis grants is no longer there when Redis disappears again. */
  private debit(permits: number, now: number): void {
    if (this.#share === undefined) return
    this.#share.resize(this.host.limit, this.host.instances(), now)
    this.#share.debit(permits, now)
  }

  private takeOut(permits: number): number {
    this.#permits -= permits
    this.#lastLease = Math.max(this.#permits, 1)
    return permits
  }

  /** Without a permit, or after the end of a lease. */
  private acquireSlowly(now: number): number | undefined {
    const nowMs = Math.floor(now)
    this.#permits = this.leasedAt(now)
    // A reserve does not end. It is compared again after the time of another lease.
    if (now >= this.#leaseEndsMs) this.#leaseEndsMs = this.#permits > 0 ? nowMs + LEASE_MS : nowMs
    this.#usedMs = nowMs
    const granted = this.#permits > 0
    if (granted) {
      this.#permits -= 1
      this.#usedSinceLease += 1
    } else this.#exhausted = true
    this.askSoon(now)
    if (granted) return now
    return this.#lost && this.acquireWithoutRedis(now) ? now : undefined
  }

  private askSoon(now: number): void {
    if (this.#asking || now < this.#nextMs) return
    this.#asking = true
    this.host.ask(this, now)
  }

  /** The permits that are still valid. */
  private leasedAt(now: number): number {
    return now >= this.#leaseEndsMs ? Math.min(this.#permits, reserveOf(this.host)) : this.#permits
  }
}

/** The most permits that an instance leases together. */
function leaseMaxOf(host: LeaseHost): number {
  const { limit, burst } = host.limit
  return Math.max(1, Math.floor(Math.min(limit, burst) / host.instances()))
}

/** How many permits an instance keeps while it has no calls. */
function reserveOf(host: LeaseHost): number {
  return Math.max(1, Math.floor(leaseMaxOf(host) * RESERVE))
}
