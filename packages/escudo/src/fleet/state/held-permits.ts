import type { LocalPermits, OnLoss } from '../../core/shared-state.ts'

/** Redis knows an instance this long after its last question. The permits of a dead instance then return. */
export const HOLD_MS = 4_000
/**
 * An instance starts calls this long after its last answered question. It is less than {@link HOLD_MS}, so that the calls
 * end while Redis still counts them. The lease survives two lost answers.
 */
export const USE_MS = 3_500
const BEAT_MS = 1_000
// An instance that has to give back permits, or that has no answer yet, asks sooner.
const SOON_MS = 200
// An instance whose calls wait for permits of others asks again after this time, or up to twice of it.
const POLL_MS = 25
const RETRY_MS = 100
// One answer may be lost.
const FAILURES_BEFORE_ALONE = 2
/** The share of an instance's part that it keeps while it has no calls, so that its next calls find a permit. */
const RESERVE = 0.25

/** What an instance asks Redis about a semaphore. */
export interface PermitQuestion {
  /** Counts the questions of this instance. Redis ignores an older one that arrives late. */
  readonly number: number
  /** How many permits the instance keeps. All calls that it runs are among them. */
  readonly held: number
  /** How many more it wants. */
  readonly want: number
}

/** What Redis answers. */
export interface PermitAnswer {
  /** How many permits the instance holds now. */
  readonly held: number
  /** How many permits other instances want and do not get. */
  readonly wanted: number
  /** How many instances hold or want permits, this one included. */
  readonly members: number
}

/** The options of a semaphore. */
export interface PermitSettings {
  /** The number of permits of the whole fleet. */
  limit: number
  /** Whether each permit is asked for. If not, some are held in advance. */
  readonly exact: boolean
  readonly onLoss: OnLoss
  /** The number of live instances, as last known; at least 1. */
  instances(): number
  /** A random number from 0 up to 1. */
  random(): number
}

/**
 * The permits that one instance holds of a fleet's semaphore.
 *
 * Redis counts the permits of each instance that it knows alive, and together they are never more than the limit. A
 * question says how many permits the instance keeps, and not what has changed: the next question corrects what Redis
 * believes after a lost answer. From the moment that a question is sent, the instance uses no permit that it gives back.
 * It uses the permits that it holds for {@link USE_MS} after it *asked*, and Redis counts them for {@link HOLD_MS} after
 * the question *arrived*.
 *
 * An instance holds what its calls needed at most in the last two seconds, and some more. While others wait for a permit,
 * it keeps at most its part, and gives back each permit beyond it when a call ends.
 *
 * Pure: `now` is an argument, in milliseconds on one monotonic clock. How to use it: send {@link question} when
 * {@link mayAsk} says so and at {@link nextMs}, one at a time, then call {@link answered} or {@link failed}. After each of
 * the three, {@link capacity} may have changed.
 */
export class HeldPermits {
  readonly #settings: PermitSettings
  #held = 0
  #endsMs = Number.NEGATIVE_INFINITY
  #number = 0
  #failures = 0
  /** Whether others wait for permits. */
  #contended = false
  #members = 1
  /** Whether Redis had fewer permits than the instance wanted. */
  #unmet = false
  /** Permits held in advance because earlier ones were used up. It doubles each time, and halves each second. */
  #ahead = 0
  #isShort = false
  #foundNoneMs = Number.NEGATIVE_INFINITY
  /** The most permits in use in this second, and in the one before. */
  #peak = 0
  #peakBefore = 0
  #peakFromMs: number
  #nextMs: number
  /** Whether Redis may have more permits for this instance. */
  #mayGrow = false
  /** Call {@link short} when no more than this many permits are unused. */
  lowWater = -1

  constructor(settings: PermitSettings, now: number) {
    this.#settings = settings
    this.#nextMs = now
    this.#peakFromMs = now
  }

  /** When the next question is due. */
  get nextMs(): number {
    return this.#nextMs
  }

  /** Whether Redis has not answered lately. */
  get isAlone(): boolean {
    return this.#failures >= (this.#settings.exact ? 1 : FAILURES_BEFORE_ALONE)
  }

  /** How many permits the instance may use at this instant. */
  capacity(now: number): number {
    if (now >= this.#endsMs) this.#held = 0
    const held = this.#held
    return Math.min(this.#settings.limit, this.isAlone ? Math.max(held, this.#aloneCapacity) : held)
  }

  /** Until when the last {@link capacity} holds if nothing else happens. */
  get capacityEndsMs(): number {
    return this.isAlone && this.#aloneCapacity >= this.#held ? Number.POSITIVE_INFINITY : this.#endsMs
  }

  /** A released permit goes back to Redis if the instance may use more than this many. */
  get keepMax(): number {
    if (this.isAlone) return Number.POSITIVE_INFINITY
    if (this.#settings.exact) return 0
    // Rounded down, so that an instance without permits gets one also if the limit is no multiple.
    return this.#contended ? Math.floor(this.#fairPart) : Number.POSITIVE_INFINITY
  }

  /** Few permits are unused. The next question asks for more of them. */
  short(): void {
    this.#isShort = true
  }

  /** A call found no permit, and perhaps does not wait for one. */
  foundNone(now: number): void {
    this.#isShort = true
    this.#foundNoneMs = now
  }

  /** Whether a question may follow now, before {@link nextMs}. */
  mayAsk(now: number): boolean {
    return now >= this.#nextMs || (!this.isAlone && (this.#mayGrow || now >= this.#endsMs))
  }

  question({ inUse, waiting, peak }: LocalPermits, now: number): PermitQuestion {
    this.#measure(inUse, peak, now)
    const { exact } = this.#settings
    const goal = this.#goal(inUse, waiting > 0 || exact ? waiting : this.#wishOfRefused(inUse, now))
    // An exact permit that has become free is given back and asked for again.
    this.#held = Math.min(this.#heldAt(now), exact || this.#contended ? Math.min(goal, inUse) : goal)
    // Calls that run without a permit, because the lease has ended or Redis has lost its data, claim theirs first.
    const held = Math.max(this.#held, Math.min(inUse, this.#settings.limit))
    this.#number += 1
    this.#nextMs = now + BEAT_MS
    return { number: this.#number, held, want: goal - held }
  }

  /** The last question of an instance that leaves the fleet: it keeps what its calls use, until Redis forgets it. */
  farewell({ inUse }: LocalPermits, now: number): PermitQuestion {
    this.#held = Math.min(this.#heldAt(now), inUse)
    this.#number += 1
    return { number: this.#number, held: inUse, want: 0 }
  }

  /** @param askedMs when the question was asked */
  answered(question: PermitQuestion, { held, wanted, members }: PermitAnswer, askedMs: number, now: number): void {
    this.#failures = 0
    this.#held = held
    this.#endsMs = askedMs + USE_MS
    this.#contended = wanted > 0
    this.#members = members
    this.#unmet = held < question.held + question.want
    const { exact, limit } = this.#settings
    // An exact permit is asked for at once: one question at a time asks for all calls that wait.
    this.#mayGrow = exact || (!this.#unmet && held < (this.#contended ? Math.ceil(this.#fairPart) : limit))
    this.lowWater = exact || this.#contended || !this.#mayGrow ? -1 : Math.floor(this.#spare / 2)
    this.#nextMs = now + this.#pauseMs(held)
  }

  failed(now: number): void {
    this.#failures += 1
    this.#nextMs = now + RETRY_MS
    this.lowWater = -1
  }

  /** Acts alone from now on. */
  leave(): void {
    this.#failures = Number.POSITIVE_INFINITY
    this.lowWater = -1
  }

  #pauseMs(held: number): number {
    if (this.#unmet) return POLL_MS * (1 + this.#settings.random())
    // The number of instances was not known yet.
    if (this.#number === 1) return SOON_MS
    return this.#contended && held > 0 ? SOON_MS : BEAT_MS
  }

  #measure(inUse: number, peak: number, now: number): void {
    this.#peak = Math.max(this.#peak, peak, inUse)
    if (this.#isShort) this.#ahead = Math.min(Math.max(1, this.#ahead * 2), Math.max(1, Math.floor(this.#part)))
    this.#isShort = false
    if (now - this.#peakFromMs < BEAT_MS) return
    this.#peakFromMs = now
    this.#peakBefore = this.#peak
    this.#peak = inUse
    this.#ahead = Math.floor(this.#ahead / 2)
  }

  /** A call that was refused wants a permit for the next one: others see that for a second. */
  #wishOfRefused(inUse: number, now: number): number {
    return now - this.#foundNoneMs < BEAT_MS && this.#heldAt(now) <= inUse ? 1 : 0
  }

  /** How many permits the instance should hold. */
  #goal(inUse: number, waiting: number): number {
    const { limit, exact } = this.#settings
    const needed = Math.min(limit, inUse + waiting)
    if (exact) return needed
    const running = Math.min(limit, inUse)
    if (this.#contended) return Math.max(running, Math.min(Math.ceil(this.#fairPart), needed))
    const peak = Math.max(this.#peak, this.#peakBefore)
    return Math.max(running, Math.min(limit, Math.max(peak, inUse + waiting) + this.#spare))
  }

  get #spare(): number {
    const part = this.#part
    // All instances may have just started, and none knows how many they are.
    const reserve = this.#number === 0 ? 1 : part < 1 ? 0 : Math.max(1, Math.floor(part * RESERVE))
    return Math.max(reserve, this.#ahead)
  }

  /** The part of each instance, if all have calls. */
  get #part(): number {
    return this.#settings.limit / this.#settings.instances()
  }

  /** The part of each instance that has calls. Not a whole number. */
  get #fairPart(): number {
    return this.#settings.limit / this.#members
  }

  get #aloneCapacity(): number {
    const { onLoss, limit } = this.#settings
    if (onLoss === 'share') return Math.max(1, Math.floor(this.#part))
    return onLoss === 'open' ? limit : 0
  }

  #heldAt(now: number): number {
    return now < this.#endsMs ? this.#held : 0
  }
}
