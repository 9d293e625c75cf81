/** The largest error of an estimate, as a share of the exact quantile. */
export const RELATIVE_ERROR = 0.01
/** Shorter latencies count as this one: timers are no finer. */
export const SHORTEST_MS = 0.1
/** Longer latencies count as this one. */
export const LONGEST_MS = 3_600_000

// Each bucket is wider than the one below by this factor: the middle of a bucket is then within the error of every
// latency in it.
const GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
const LOG_GAMMA = Math.log(GAMMA)
const BUCKETS = Math.ceil(Math.log(LONGEST_MS / SHORTEST_MS) / LOG_GAMMA) + 1
// The window slides in steps of one generation, a tenth of its length.
const GENERATIONS = 10
// In floating point 0.07 · 100 is a little more than 7, which would round up to rank 8.
const ROUNDING = 1e-9

/**
 * One quantile of the latencies of the last `windowMs`.
 *
 * Of n samples the value is the one of rank `⌈quantile · n⌉`, with an error of at most 1 % between {@link SHORTEST_MS}
 * and {@link LONGEST_MS}.
 *
 * A histogram with logarithmic buckets, whose error is bounded for every distribution (DDSketch: Masson, Rim and Lee,
 * VLDB 2019). There is one histogram for each generation and one for their sum: about 40 KB, independent of the number of
 * samples. The bucket of the quantile is updated incrementally, so that reading it does not search from the start.
 */
export class LatencyQuantile {
  readonly #quantile: number
  readonly #generationMs: number
  readonly #counts = new Uint32Array(BUCKETS)
  readonly #countsOf = Array.from({ length: GENERATIONS }, () => new Uint32Array(BUCKETS))
  #total = 0
  // The number of the current generation since time 0.
  #generation = Number.NEGATIVE_INFINITY
  /** The current generation's index in the ring. */
  #index = 0
  /** The bucket of the quantile at the last reading, and the number of samples in the buckets below it. */
  #bucket = 0
  #below = 0

  /**
   * @param quantile between 0 and 1, both excluded
   * @param windowMs the length of the window, accurate to a tenth
   */
  constructor(quantile: number, windowMs: number) {
    this.#quantile = quantile
    this.#generationMs = windowMs / GENERATIONS
  }

  /** Whether another one computes the same quantile in a window of the same length. */
  isLike(other: LatencyQuantile): boolean {
    return this.#quantile === other.#quantile && this.#generationMs === other.#generationMs
  }

  /** Adds a latency. */
  record(latencyMs: number, now: number): void {
    this.#slide(now)
    const bucket = bucketOf(latencyMs)
    const counts = this.#countsOf[this.#index] as Uint32Array
    counts[bucket] = (counts[bucket] as number) + 1
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#total += 1
    if (bucket < this.#bucket) this.#below += 1
  }

  /** The number of samples in the window. */
  samples(now: number): number {
    this.#slide(now)
    return this.#total
  }

  /** The quantile in milliseconds; undefined while the window is empty. */
  valueMs(now: number): number | undefined {
    this.#slide(now)
    if (this.#total === 0) return undefined
    const rank = Math.max(1, Math.ceil(this.#quantile * this.#total - ROUNDING))
    while (this.#below >= rank) {
      this.#bucket -= 1
      this.#below -= this.#counts[this.#bucket] as number
    }
    for (let count = this.#count; this.#below + count < rank; count = this.#count) {
      this.#below += count
      this.#bucket += 1
    }
    return middleOf(this.#bucket)
  }

  /** The number of samples in the quantile's bucket. */
  get #count(): number {
    return this.#counts[this.#bucket] as number
  }

  /** Moves to the generation of `now` and drops the expired ones. A clock that goes back stays in its generation. */
  #slide(now: number): void {
    const generation = Math.floor(now / this.#generationMs)
    // Negated, so that a NaN moves nothing.
    if (!(generation > this.#generation)) return
    const from = Math.max(this.#generation + 1, generation - GENERATIONS + 1)
    for (let passed = from; passed <= generation; passed += 1) {
      this.#drop(this.#countsOf[indexOf(passed)] as Uint32Array)
    }
    this.#generation = generation
    this.#index = indexOf(generation)
  }

  #drop(counts: Uint32Array): void {
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const count = counts[bucket] as number
      if (count === 0) continue
      this.#counts[bucket] = (this.#counts[bucket] as number) - count
      this.#total -= count
      if (bucket < this.#bucket) this.#below -= count
    }
    counts.fill(0)
  }
}

/** Bucket 0 holds latencies up to the shortest, the last bucket those beyond the longest. */
function bucketOf(latencyMs: number): number {
  if (!(latencyMs > SHORTEST_MS)) return 0
  return Math.min(BUCKETS - 1, Math.ceil(Math.log(latencyMs / SHORTEST_MS) / LOG_GAMMA))
}

function middleOf(bucket: number): number {
  return bucket === 0 ? SHORTEST_MS : (SHORTEST_MS * GAMMA ** bucket * 2) / (1 + GAMMA)
}

/** The index of a generation in the ring, also for a time before 0. */
function indexOf(generation: number): number {
  return ((generation % GENERATIONS) + GENERATIONS) % GENERATIONS
}
