import type { Window } from './window.ts'

// The window slides by one bucket at a time, so it forgets in steps of a twentieth of its length.
const BUCKETS = 20

/**
 * What all windows of one length share. An object, for a number with a fraction is one anyway, and then one in each of
 * a million windows.
 */
export interface BucketLength {
  readonly bucketMs: number
}

/** The twentieth part of a window. */
export function bucketLength(windowMs: number): BucketLength {
  return { bucketMs: windowMs / BUCKETS }
}

/** A bucket that is over, but not yet too old. */
class PastBucket {
  /** Its number since time 0. */
  readonly number: number
  readonly calls: number
  readonly hits: number
  /** The one after it; of the youngest, the oldest. */
  next: PastBucket

  constructor(number: number, calls: number, hits: number, oldest: PastBucket | undefined) {
    this.number = number
    this.calls = calls
    this.hits = hits
    this.next = oldest ?? this
  }
}

/**
 * The calls of the last 20 buckets: of the window's length, to within a twentieth of it.
 *
 * The newest bucket stands in the window itself. Those before it, at most 19, are a list of the ones that hold calls:
 * a window that met one call is small, and one that met none for long is small again.
 */
export class TimeWindow implements Window {
  readonly #length: BucketLength
  /** The number of the newest bucket. */
  #number: number | undefined
  #callsIn = 0
  #hitsIn = 0
  #calls = 0
  #hits = 0
  /** The last link of a ring: the next one is the oldest. One field less in each of a million windows. */
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

  /** A clock that goes back stays in its bucket: nothing comes back, and nothing is forgotten. */
  advance(now: number): void {
    const number = Math.floor(now / this.#length.bucketMs)
    if (this.#number === undefined) this.#number = number
    else if (number > this.#number) this.#beginBucket(number)
  }

  clear(): void {
    // Also by which clock it counted: what comes next may go by another.
    this.#number = undefined
    this.#callsIn = 0
    this.#hitsIn = 0
    this.#calls = 0
    this.#hits = 0
    this.#youngest = undefined
  }

  #beginBucket(number: number): void {
    if (this.#callsIn > 0) this.#append(this.#number as number)
    this.#number = number
    this.#callsIn = 0
    this.#hitsIn = 0
    this.#forget(number - BUCKETS)
  }

  #append(number: number): void {
    const youngest = this.#youngest
    const bucket = new PastBucket(number, this.#callsIn, this.#hitsIn, youngest?.next)
    if (youngest !== undefined) youngest.next = bucket
    this.#youngest = bucket
  }

  /** Lets go of the buckets up to that number. */
  #forget(number: number): void {
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
