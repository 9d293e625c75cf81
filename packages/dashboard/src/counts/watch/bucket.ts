import type { LatencyHistogram } from '../latency-histogram.ts'
import { CLIENT_ERROR, DEGRADED, FAILED, SLOW } from './request-flags.ts'

/** The counts of one service in one second or one minute. */
export class Bucket {
  declare number: number
  declare requests: number
  declare failures: number
  declare clientErrors: number
  /** Requests that a fallback answered. */
  declare degraded: number
  /** Fallbacks by their own lines. */
  declare fallbacks: number
  declare slow: number
  /** Requests that another known service sent. They are among `requests`. */
  declare hops: number
  declare hopFailures: number
  declare hopDegraded: number
  /** Health checks and scrapes. They are not among `requests`. */
  declare probes: number
  declare probeFailures: number
  declare criticals: number
  declare firstFailureAt: number
  declare lastFailureAt: number
  declare firstBadAt: number
  /** The first critical line or failed health check. */
  declare firstMarkAt: number
  declare firstAt: number
  declare lastAt: number
  /** Latencies, where this step keeps them. */
  latency: LatencyHistogram | undefined

  constructor(number: number) {
    this.reset(number)
  }

  /** Empties the bucket for another step of time. */
  reset(number: number): void {
    this.number = number
    this.requests = 0
    this.failures = 0
    this.clientErrors = 0
    this.degraded = 0
    this.fallbacks = 0
    this.slow = 0
    this.hops = 0
    this.hopFailures = 0
    this.hopDegraded = 0
    this.probes = 0
    this.probeFailures = 0
    this.criticals = 0
    this.firstFailureAt = Number.POSITIVE_INFINITY
    this.lastFailureAt = Number.NEGATIVE_INFINITY
    this.firstBadAt = Number.POSITIVE_INFINITY
    this.firstMarkAt = Number.POSITIVE_INFINITY
    this.firstAt = Number.POSITIVE_INFINITY
    this.lastAt = Number.NEGATIVE_INFINITY
    this.latency = undefined
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
  readonly #onExpired: ((bucket: Bucket) => void) | undefined

  /** `size` must be a power of two. `onExpired` gets each bucket before a newer time takes its place. */
  constructor(stepMs: number, size: number, onExpired?: (bucket: Bucket) => void) {
    this.#stepMs = stepMs
    this.#onExpired = onExpired
    this.#mask = size - 1
    this.#buckets = new Array<Bucket | undefined>(size)
  }

  /** Returns the bucket for a time; undefined when a newer time took its place. */
  at(at: number): Bucket | undefined {
    const number = Math.floor(at / this.#stepMs)
    if (number < 0) return undefined
    const index = number & this.#mask
    const bucket = this.#buckets[index]
    if (bucket === undefined) {
      const made = new Bucket(number)
      this.#buckets[index] = made
      return made
    }
    if (bucket.number === number) return bucket
    if (bucket.number > number) return undefined
    this.#onExpired?.(bucket)
    bucket.reset(number)
    return bucket
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
