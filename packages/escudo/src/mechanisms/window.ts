// Sliding windows of successes and failures, by number of calls and by time. Pure: `now` is an argument. Every
// operation is constant in the number of calls within the window.

/** Counts the outcomes of the recent past. */
export interface Window {
  /** Takes an outcome in. */
  record(failed: boolean, now: number): void
  /** How many outcomes the window holds. */
  calls(now: number): number
  /** How many of them are failures. */
  failures(now: number): number
  /** Forgets all. */
  clear(): void
}

/** The last `size` outcomes. */
export class CountWindow implements Window {
  readonly #outcomes: Uint8Array
  #next = 0
  #calls = 0
  #failures = 0

  constructor(size: number) {
    this.#outcomes = new Uint8Array(size)
  }

  record(failed: boolean): void {
    const full = this.#calls === this.#outcomes.length
    if (full) this.#failures -= this.#outcomes[this.#next] as number
    else this.#calls += 1
    this.#outcomes[this.#next] = failed ? 1 : 0
    this.#failures += failed ? 1 : 0
    this.#next = (this.#next + 1) % this.#outcomes.length
  }

  calls(): number {
    return this.#calls
  }

  failures(): number {
    return this.#failures
  }

  clear(): void {
    this.#next = 0
    this.#calls = 0
    this.#failures = 0
  }
}

// The window slides by one bucket at a time, so it forgets in steps of a twentieth of its length.
const BUCKETS = 20

/** The outcomes of the last `lengthMs`, to within a twentieth of it. */
export class TimeWindow implements Window {
  readonly #bucketMs: number
  readonly #callsIn = new Float64Array(BUCKETS)
  readonly #failuresIn = new Float64Array(BUCKETS)
  // The number of the current bucket since time 0; its place in the ring is the rest of the division by BUCKETS.
  #bucket = Number.NEGATIVE_INFINITY
  #place = 0
  #calls = 0
  #failures = 0

  constructor(lengthMs: number) {
    this.#bucketMs = lengthMs / BUCKETS
  }

  record(failed: boolean, now: number): void {
    this.#slide(now)
    const place = this.#place
    this.#callsIn[place] = (this.#callsIn[place] as number) + 1
    this.#calls += 1
    if (!failed) return
    this.#failuresIn[place] = (this.#failuresIn[place] as number) + 1
    this.#failures += 1
  }

  calls(now: number): number {
    this.#slide(now)
    return this.#calls
  }

  failures(now: number): number {
    this.#slide(now)
    return this.#failures
  }

  clear(): void {
    this.#callsIn.fill(0)
    this.#failuresIn.fill(0)
    this.#calls = 0
    this.#failures = 0
  }

  /** Moves to the bucket of `now`, forgetting those that fall out. A clock that goes back stays in its bucket. */
  #slide(now: number): void {
    const bucket = Math.floor(now / this.#bucketMs)
    if (bucket <= this.#bucket) return
    if (bucket - this.#bucket >= BUCKETS) this.clear()
    else for (let passed = this.#bucket + 1; passed <= bucket; passed += 1) this.#forget(remainder(passed))
    this.#bucket = bucket
    this.#place = remainder(bucket)
  }

  #forget(place: number): void {
    this.#calls -= this.#callsIn[place] as number
    this.#failures -= this.#failuresIn[place] as number
    this.#callsIn[place] = 0
    this.#failuresIn[place] = 0
  }
}

/** The place of a bucket in the ring, also for an instant before 0. */
function remainder(bucket: number): number {
  return ((bucket % BUCKETS) + BUCKETS) % BUCKETS
}
