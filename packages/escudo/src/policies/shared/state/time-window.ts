import type { Window } from './window.ts'

// The window slides by one bucket at a time: it drops calls in steps of a twentieth of its length.
const BUCKETS = 20

/**
 * The bucket length that all windows of one length share. An object, because V8 stores a fractional number as a heap
 * object: a million windows would hold a million of them.
 */
export interface BucketLength {
  readonly bucketMs: number
}

/** Returns the length of a bucket: a twentieth of the window's length. */
export function bucketLength(windowMs: number): BucketLength {
  return { bucketMs: windowMs / BUCKETS }
}

/** A bucket before the newest one that is not yet too old. */
class PastBucket {
  /** Its number, counted from time 0. */
  readonly number: number
  readonly calls: number
  readonly hits: number
  /** The next younger bucket; for the youngest one, the oldest. */
  next: PastBucket

  constructor(number: number, calls: number, hits: number, oldest: PastBucket | undefined) {
    this.number = number
    this.calls = calls
    this.hits = hits
    this.next = oldest ?? this
  }
}

/**
 * Counts the calls of the last 20 buckets, which together have the window's length. It is accurate to a twentieth.
 *
 * The window itself holds the newest bucket. A list holds the earlier buckets that have calls, at most 19. A window with
 * one call is therefore small, and a window that was idle is small again.
 */
export class TimeWindow implements Window {
  readonly #length: BucketLength
  /** The number of the newest bucket. */
  #number: number | undefined
  #callsIn = 0
  #hitsIn = 0
  #calls = 0
  #hits = 0
  /** The youngest past bucket of a ring; its `next` is the oldest. A ring saves a field in each of a million windows. */
  #youngest: PastBucket | undefined

  constructor(length: BucketLength) {
    this.#length = length
  }

  get calls(): number {
    return this.#calls
  }

  get hits(): number {
    return this.#hits
  }

  record(hit: boolean, now: number): void {
    this.advance(now)
    this.#callsIn += 1
    this.#calls += 1
    if (!hit) return
    this.#hitsIn += 1
    this.#hits += 1
  }

  /** If the clock goes back, the newest bucket stays: no call returns and none is dropped. */
  advance(now: number): void {
    const number = Math.floor(now / this.#length.bucketMs)
    if (this.#number === undefined) this.#number = number
    else if (number > this.#number) this.#startBucket(number)
  }

  clear(): void {
    // The number too: the next calls may be on another clock.
    this.#number = undefined
    this.#callsIn = 0
    this.#hitsIn = 0
    this.#calls = 0
    this.#hits = 0
    this.#youngest = undefined
  }

  #startBucket(number: number): void {
    if (this.#callsIn > 0) this.#append(this.#number as number)
    this.#number = number
    this.#callsIn = 0
    this.#hitsIn = 0
    this.#dropUpTo(number - BUCKETS)
  }

  #append(number: number): void {
    const youngest = this.#youngest
    const bucket = new PastBucket(number, this.#callsIn, this.#hitsIn, youngest?.next)
    if (youngest !== undefined) youngest.next = bucket
    this.#youngest = bucket
  }

  /** Drops the buckets up to this number. */
  #dropUpTo(number: number): void {
    for (let youngest = this.#youngest; youngest !== undefined; youngest = this.#youngest) {
      const oldest = youngest.next
      if (oldest.number > number) return
      this.#calls -= oldest.calls
      this.#hits -= oldest.hits
      if (oldest === youngest) this.#youngest = undefined
      else youngest.next = oldest.next
    }
  }
}
