import { PackedReader, PackedWriter } from './packed.ts'

/** Each bucket is this many times as wide as the previous one. Its middle is at most 1 % off any value in it. */
export const GROWTH = 1.02
/** The width of a bucket in logarithms. */
export const LOG_GROWTH: number = Math.log(GROWTH)
/** A shorter latency counts as 0. */
export const SHORTEST_MS = 0.001
/** About eleven days. A longer latency counts as this. */
const LONGEST_MS = 1e9
const BUCKETS_MAX = Math.floor(Math.log(LONGEST_MS / SHORTEST_MS) / LOG_GROWTH) + 1
const GROW_BUCKETS = 32
/** The largest count that fits into two bytes. */
const NARROW_MAX = 0xffff
export const ZERO_BUCKET = -1

const LITTLE_END = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/**
 * Counts latencies in log-spaced buckets.
 *
 * Every percentile has a relative error of at most 1 %. Only the buckets between the shortest and the longest latency so
 * far are stored, at most {@link BUCKETS_MAX}.
 */
export class LatencyHistogram {
  /** Narrow as long as it can be: most histograms are of a slot of time, and there are tens of thousands. */
  #counts: Uint16Array | Uint32Array = new Uint16Array(0)
  /** The bucket of the first element of `#counts`. */
  #first = 0
  #zeros = 0
  #total = 0

  /** The number of counted latencies. */
  get total(): number {
    return this.#total
  }

  /** Returns the bucket of a latency in milliseconds, to add it to several histograms. It must not be negative. */
  static bucketOf(latencyMs: number): number {
    return latencyMs < SHORTEST_MS ? ZERO_BUCKET : bucketOf(latencyMs)
  }

  /** Counts one latency in milliseconds. It must not be negative. */
  add(latencyMs: number): void {
    this.addBucket(LatencyHistogram.bucketOf(latencyMs))
  }

  /** Counts one latency, by its bucket. */
  addBucket(bucket: number): void {
    this.#total += 1
    if (bucket === ZERO_BUCKET) this.#zeros += 1
    else this.#addTo(bucket, 1)
  }

  /** Counts latencies, by their buckets. It makes room once: growing step by step leaves gaps in the memory. */
  addBuckets(buckets: readonly number[]): void {
    let first = BUCKETS_MAX
    let last = 0
    for (const bucket of buckets) {
      if (bucket === ZERO_BUCKET) continue
      if (bucket < first) first = bucket
      if (bucket > last) last = bucket
    }
    if (first <= last) {
      this.#cover(first)
      this.#cover(last)
    }
    for (const bucket of buckets) this.addBucket(bucket)
  }

  /** Counts `count` latencies of one bucket. */
  addMany(bucket: number, count: number): void {
    this.#total += count
    if (bucket === ZERO_BUCKET) this.#zeros += count
    else this.#addTo(Math.min(Math.max(bucket, 0), BUCKETS_MAX - 1), count)
  }

  /** Adds the counts of another histogram. */
  merge(other: LatencyHistogram): void {
    this.#total += other.#total
    this.#zeros += other.#zeros
    const { length } = other.#counts
    if (length === 0) return
    if (this.#total > NARROW_MAX) this.#widen()
    this.#cover(other.#first)
    this.#cover(other.#first + length - 1)
    for (let i = 0; i < length; i += 1) {
      const at = other.#first + i - this.#first
      this.#counts[at] = (this.#counts[at] ?? 0) + (other.#counts[i] ?? 0)
    }
  }

  /** Takes the counts of another histogram away. All of them must have been counted here too. */
  subtract(other: LatencyHistogram): void {
    this.#total -= other.#total
    this.#zeros -= other.#zeros
    for (let i = 0; i < other.#counts.length; i += 1) {
      const at = other.#first + i - this.#first
      if (at >= 0 && at < this.#counts.length) this.#counts[at] = (this.#counts[at] ?? 0) - (other.#counts[i] ?? 0)
    }
  }

  /** Yields the buckets that counted something, the shortest latencies first. Bucket -1 is that of 0. */
  *buckets(): Generator<readonly [bucket: number, count: number]> {
    if (this.#zeros > 0) yield [ZERO_BUCKET, this.#zeros]
    for (const [at, count] of this.#counts.entries()) if (count > 0) yield [this.#first + at, count]
  }

  /** Returns the nearest-rank percentile for `share` (0 to 1); null when nothing was counted. */
  percentile(share: number): number | null {
    if (this.#total === 0) return null
    const rank = Math.max(1, Math.ceil(share * this.#total))
    let seen = this.#zeros
    if (seen >= rank) return 0
    for (let i = 0; i < this.#counts.length; i += 1) {
      seen += this.#counts[i] ?? 0
      if (seen >= rank) return middleOf(this.#first + i)
    }
    return middleOf(this.#first + this.#counts.length - 1)
  }

  /** Its counts, packed. */
  get state(): Uint8Array {
    const into = new PackedWriter(512)
    this.pack(into)
    return into.packed
  }

  /** Returns the histogram of a {@link state}. */
  static of(state: Uint8Array): LatencyHistogram {
    return LatencyHistogram.unpack(new PackedReader(state))
  }

  /** Packs its counts. Empty buckets between two others take a byte. */
  pack(into: PackedWriter): void {
    into.integer(this.#zeros)
    let filled = 0
    for (const count of this.#counts) if (count > 0) filled += 1
    into.integer(filled)
    let before = 0
    for (let i = 0; i < this.#counts.length; i += 1) {
      const count = this.#counts[i] ?? 0
      if (count === 0) continue
      into.integer(this.#first + i - before)
      into.integer(count)
      before = this.#first + i
    }
  }

  /** Returns the histogram that {@link pack} packed. */
  static unpack(from: PackedReader): LatencyHistogram {
    const histogram = new LatencyHistogram()
    histogram.#zeros = from.integer()
    histogram.#total = histogram.#zeros
    let bucket = 0
    for (let left = from.integer(); left > 0; left -= 1) {
      bucket += from.integer()
      const count = from.integer()
      histogram.#total += count
      histogram.#addTo(bucket, count)
    }
    return histogram
  }

  #addTo(bucket: number, count: number): void {
    this.#cover(bucket)
    const at = bucket - this.#first
    const sum = (this.#counts[at] ?? 0) + count
    if (sum > NARROW_MAX) this.#widen()
    this.#counts[at] = sum
  }

  #widen(): void {
    if (this.#counts instanceof Uint16Array) this.#counts = Uint32Array.from(this.#counts)
  }

  #cover(bucket: number): void {
    const { length } = this.#counts
    if (length > 0 && bucket >= this.#first && bucket < this.#first + length) return
    const first = length === 0 ? bucket : Math.min(this.#first, bucket)
    const last = length === 0 ? bucket : Math.max(this.#first + length - 1, bucket)
    // It grows by half, so that many latencies in order need few copies.
    const more = length >> 1
    const from = Math.max(0, Math.floor((first < this.#first ? first - more : first) / GROW_BUCKETS) * GROW_BUCKETS)
    const end = Math.max(last + 1, last >= this.#first + length ? last + more : 0)
    const to = Math.min(BUCKETS_MAX, Math.ceil(end / GROW_BUCKETS) * GROW_BUCKETS)
    const counts = this.#counts instanceof Uint16Array ? new Uint16Array(to - from) : new Uint32Array(to - from)
    if (length > 0) counts.set(this.#counts, this.#first - from)
    this.#counts = counts
    this.#first = from
  }
}

/** Where each bucket begins. */
const STARTS = Float64Array.from({ length: BUCKETS_MAX }, (_, bucket) => SHORTEST_MS * GROWTH ** bucket)
// The exponent and the first six bits of the fraction of a number. Numbers that share them differ by less than a bucket.
const number = new Float64Array(1)
const halves = new Int32Array(number.buffer)
const PREFIX_SHIFT = 14
const FIRST_PREFIX = prefixOf(SHORTEST_MS)
/** The bucket in which numbers with such a prefix begin. */
const BUCKETS = bucketsByPrefix()

function bucketsByPrefix(): Int16Array {
  const buckets = new Int16Array(prefixOf(LONGEST_MS) - FIRST_PREFIX + 1)
  let bucket = 0
  for (let index = 0; index < buckets.length; index += 1) {
    halves[LITTLE_END ? 1 : 0] = (FIRST_PREFIX + index) << PREFIX_SHIFT
    halves[LITTLE_END ? 0 : 1] = 0
    const first = number[0] ?? 0
    while ((STARTS[bucket + 1] ?? Number.POSITIVE_INFINITY) <= first) bucket += 1
    buckets[index] = bucket
  }
  return buckets
}

/** Looks it up: a logarithm takes several times as long. */
function bucketOf(latencyMs: number): number {
  if (latencyMs >= LONGEST_MS) return BUCKETS_MAX - 1
  const bucket = BUCKETS[prefixOf(latencyMs) - FIRST_PREFIX] ?? 0
  // A prefix has at most one more bucket.
  return latencyMs >= (STARTS[bucket + 1] ?? Number.POSITIVE_INFINITY) ? bucket + 1 : bucket
}

function prefixOf(latencyMs: number): number {
  number[0] = latencyMs
  return (halves[LITTLE_END ? 1 : 0] ?? 0) >> PREFIX_SHIFT
}

function middleOf(bucket: number): number {
  return SHORTEST_MS * GROWTH ** (bucket + 0.5)
}
