/** How far an estimate is from the exact quantile at most, as a share of it. */
export const RELATIVE_ERROR = 0.01
/** What is shorter counts as this long: no timer is finer. */
export const SHORTEST_MS = 0.1
/** What is longer counts as this long. */
export const LONGEST_MS = 3_600_000

// Each bucket is wider than the one before by this factor, so that its middle is within the error of all that is in it.
const GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
const LOG_GAMMA = Math.log(GAMMA)
const BUCKETS = Math.ceil(Math.log(LONGEST_MS / SHORTEST_MS) / LOG_GAMMA) + 1
// The window forgets by generations: in steps of a tenth of its length.
const GENERATIONS = 10
// 0.07 · 100 is a little more than 7, and would otherwise ask for the eighth.
const ROUNDING = 1e-9

/**
 * One quantile of the latencies of the last `windowMs`, live: of n samples the one of rank `⌈quantile · n⌉`, to within
 * 1 % of it from {@link SHORTEST_MS} to {@link LONGEST_MS}.
 *
 * A histogram with logarithmic buckets, whose error is bounded whatever the distribution is (DDSketch: Masson, Rim and
 * Lee, VLDB 2019), kept once for each generation and once for all of them. The memory is about 40 KB, however many
 * samples there are. Where the quantile stands is carried along, so that asking costs no search.
 */
export class LatencyQuantile {
  readonly #quantile: number
  readonly #generationMs: number
  readonly #counts = new Uint32Array(BUCKETS)
  readonly #countsOf = Array.from({ length: GENERATIONS }, () => new Uint32Array(BUCKETS))
  #total = 0
  // The number of the current generation since time 0.
  #generation = Number.NEGATIVE_INFINITY
  #place = 0
  /** The bucket in which the quantile stood last, and how many samples are in the buckets below it. */
  #bucket = 0
  #below = 0

  /**
   * @param quantile between 0 and 1, both excluded
   * @param windowMs how far back it looks, to within a tenth of it
   */
  constructor(quantile: number, windowMs: number) {
    this.#quantile = quantile
    this.#generationMs = windowMs / GENERATIONS
  }

  /** Takes a latency in. */
  record(latencyMs: number, now: number): void {
    this.#slide(now)
    const bucket = bucketOf(latencyMs)
    const counts = this.#countsOf[this.#place] as Uint32Array
    counts[bucket] = (counts[bucket] as number) + 1
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#total += 1
    if (bucket < this.#bucket) this.#below += 1
  }

  /** How many samples the window holds. */
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
    for (let here = this.#here; this.#below + here < rank; here = this.#here) {
      this.#below += here
      this.#bucket += 1
    }
    return middleOf(this.#bucket)
  }

  get #here(): number {
    return this.#counts[this.#bucket] as number
  }

  /** Moves to the generation of `now`, forgetting those that fall out. A clock that goes back stays in its generation. */
  #slide(now: number): void {
    const generation = Math.floor(now / this.#generationMs)
    // Also for a `now` that is no number: it moves nothing.
    if (!(generation > this.#generation)) return
    const from = Math.max(this.#generation + 1, generation - GENERATIONS + 1)
    for (let passed = from; passed <= generation; passed += 1) {
      this.#forget(this.#countsOf[placeOf(passed)] as Uint32Array)
    }
    this.#generation = generation
    this.#place = placeOf(generation)
  }

  #forget(counts: Uint32Array): void {
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

/** Bucket 0 holds what is no longer than the shortest, the last one all that is longer than the longest. */
function bucketOf(latencyMs: number): number {
  if (!(latencyMs > SHORTEST_MS)) return 0
  return Math.min(BUCKETS - 1, Math.ceil(Math.log(latencyMs / SHORTEST_MS) / LOG_GAMMA))
}

function middleOf(bucket: number): number {
  return bucket === 0 ? SHORTEST_MS : (SHORTEST_MS * GAMMA ** bucket * 2) / (1 + GAMMA)
}

/** The place of a generation in the ring, also for an instant before 0. */
function placeOf(generation: number): number {
  return ((generation % GENERATIONS) + GENERATIONS) % GENERATIONS
}
