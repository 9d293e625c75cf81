import { LatencyHistogram } from '../latency-histogram.ts'
import { CLIENT_ERROR, DEGRADED, FAILED, SLOW } from './request-flags.ts'

/** The counts of a bucket, to be written into a file. */
export type BucketState = Readonly<Record<string, number>> & { readonly packed: Uint8Array | undefined }

/** The counts of one service in one second or one minute. */
export class Bucket {
  readonly number: number
  requests = 0
  failures = 0
  clientErrors = 0
  /** Requests that a fallback answered. */
  degraded = 0
  /** Fallbacks by their own lines. */
  fallbacks = 0
  slow = 0
  /** Requests that another known service sent. They are among `requests`. */
  hops = 0
  hopFailures = 0
  hopDegraded = 0
  /** Health checks and scrapes. They are not among `requests`. */
  probes = 0
  probeFailures = 0
  criticals = 0
  firstFailureAt: number = Number.POSITIVE_INFINITY
  lastFailureAt: number = Number.NEGATIVE_INFINITY
  firstBadAt: number = Number.POSITIVE_INFINITY
  /** The first critical line or failed health check. */
  firstMarkAt: number = Number.POSITIVE_INFINITY
  firstAt: number = Number.POSITIVE_INFINITY
  lastAt: number = Number.NEGATIVE_INFINITY
  /** Latencies, where this step keeps them. */
  latency: LatencyHistogram | undefined

  constructor(number: number) {
    this.number = number
  }

  /** All counts. */
  get state(): BucketState {
    const { latency, ...counts } = this
    return { ...counts, packed: latency?.state } as unknown as BucketState
  }

  /** Returns the bucket of a {@link state}. */
  static of({ packed, ...counts }: BucketState): Bucket {
    const bucket = Object.assign(new Bucket(0), counts)
    if (packed !== undefined) bucket.latency = LatencyHistogram.of(packed)
    return bucket
  }

  /** Counts one request, described by the flags of request-flags.ts. */
  addRequest(at: number, flags: number): void {
    this.requests += 1
    if (at < this.firstAt) this.firstAt = at
    if (at > this.lastAt) this.lastAt = at
    if (flags === 0) return
    if ((flags & FAILED) !== 0) {
      this.failures += 1
      if (at < this.firstFailureAt) this.firstFailureAt = at
      if (at > this.lastFailureAt) this.lastFailureAt = at
    } else if ((flags & CLIENT_ERROR) !== 0) this.clientErrors += 1
    if ((flags & SLOW) !== 0) {
      this.slow += 1
      this.markBad(at)
    }
    if ((flags & DEGRADED) !== 0) {
      this.degraded += 1
      this.markBad(at)
    }
  }

  /** Marks a request that was already counted as a hop. */
  markHop(flags: number): void {
    this.hops += 1
    if ((flags & FAILED) !== 0) this.hopFailures += 1
    if ((flags & DEGRADED) !== 0) this.hopDegraded += 1
  }

  /** Keeps the time of the first critical line or failed health check. */
  mark(at: number): void {
    if (at < this.firstMarkAt) this.firstMarkAt = at
  }

  /** Keeps the time of the first fallback or slow answer. */
  markBad(at: number): void {
    if (at < this.firstBadAt) this.firstBadAt = at
  }
}

/** The newest buckets of one step, in a ring. Where two times meet in one place, the newer one is kept. */
export class Ring {
  readonly #stepMs: number
  readonly #mask: number
  readonly #buckets: (Bucket | undefined)[]
  // The bucket that was looked for last, or that a newer time took its place.
  #lastFrom = Number.NaN
  #lastTo = Number.NaN
  #last: Bucket | undefined
  #lastLatest = Number.NEGATIVE_INFINITY
  readonly #onExpired: ((bucket: Bucket) => void) | undefined

  /** `size` must be a power of two. `onExpired` gets each bucket before a newer time takes its place. */
  constructor(stepMs: number, size: number, onExpired?: (bucket: Bucket) => void) {
    this.#stepMs = stepMs
    this.#onExpired = onExpired
    this.#mask = size - 1
    this.#buckets = new Array<Bucket | undefined>(size)
  }

  /** All buckets. */
  get state(): readonly BucketState[] {
    return this.#buckets.flatMap((bucket) => (bucket === undefined ? [] : [bucket.state]))
  }

  /** Takes the buckets of a {@link state}. */
  restore(state: readonly BucketState[]): void {
    for (const one of state) {
      const bucket = Bucket.of(one)
      this.#buckets[bucket.number & this.#mask] = bucket
    }
    this.#lastFrom = Number.NaN
  }

  /** Returns the bucket for a time; undefined when a newer time took its place, unless that is after `latest`. */
  at(at: number, latest: number): Bucket | undefined {
    // Most times are in the bucket of the one before.
    if (at >= this.#lastFrom && at < this.#lastTo && (this.#last !== undefined || latest >= this.#lastLatest))
      return this.#last
    return this.#look(at, latest)
  }

  #look(at: number, latest: number): Bucket | undefined {
    const number = Math.floor(at / this.#stepMs)
    const bucket = this.#bucket(number, latest)
    this.#lastLatest = latest
    this.#lastFrom = number * this.#stepMs
    this.#lastTo = this.#lastFrom + this.#stepMs
    this.#last = bucket
    return bucket
  }

  #bucket(number: number, latest: number): Bucket | undefined {
    if (number < 0) return undefined
    const index = number & this.#mask
    const bucket = this.#buckets[index]
    if (bucket?.number === number) return bucket
    if (bucket !== undefined) {
      if (bucket.number < number) this.#onExpired?.(bucket)
      else if (bucket.number * this.#stepMs <= latest) return undefined
    }
    const made = new Bucket(number)
    this.#buckets[index] = made
    return made
  }

  /** Returns the bucket that counted a time, if it is still kept. */
  known(at: number): Bucket | undefined {
    const number = Math.floor(at / this.#stepMs)
    const bucket = this.#buckets[number & this.#mask]
    return bucket?.number === number ? bucket : undefined
  }

  /** Yields the buckets that start in a range, in no particular order. */
  *between(from: number, to: number): Generator<Bucket> {
    const [first, end] = [Math.ceil(from / this.#stepMs), Math.ceil(to / this.#stepMs)]
    for (const bucket of this.#buckets) {
      if (bucket !== undefined && bucket.number >= first && bucket.number < end) yield bucket
    }
  }
}
