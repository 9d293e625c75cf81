import { LatencyHistogram } from './latency-histogram.ts'
import type { PackedReader, PackedWriter } from './packed.ts'

/** From this many latencies on, a histogram is smaller than a list of buckets. */
const LISTED_MAX = 48

/** The buckets of a few latencies as a list, those of many as a histogram. */
export type Latencies = number[] | LatencyHistogram | undefined

/** The counts of one cell. */
export interface Count {
  count: number
  latencyMsSum: number
  latencies: number
  buckets: Latencies
}

/** Returns a count of nothing. */
function emptyCount(): Count {
  return { count: 0, latencyMsSum: 0, latencies: 0, buckets: undefined }
}

/** Adds the latencies of a cell to a histogram. */
export function addLatencies(histogram: LatencyHistogram, buckets: Latencies): void {
  if (buckets instanceof LatencyHistogram) histogram.merge(buckets)
  else if (buckets !== undefined) histogram.addBuckets(buckets)
}

/** The counts of one slot of time, of a range, or of everything. */
export class Tally {
  readonly cells = new Map<number, Count>()
  /** Requests from one service to another. They are among `cells` too, in cells with the same number. */
  hops: Map<number, Count> | undefined = undefined
  /** Health checks and scrapes. They are among `cells` too. */
  probes: Map<number, Count> | undefined = undefined
  /** The revision of its last change. */
  revision = 0

  /** All latencies, also those of hops and health checks. */
  get latency(): LatencyHistogram {
    const all = new LatencyHistogram()
    for (const { buckets } of this.cells.values()) addLatencies(all, buckets)
    return all
  }

  /** Returns what counts a cell: {@link addTo} counts in it, until one is taken away. */
  countOf(cell: number): Count {
    return countIn(this.cells, cell)
  }

  /** Counts a request a second time, apart. */
  addApart(kind: 'hops' | 'probes', cell: number, latencyMs: number | undefined, bucket: number): void {
    this[kind] ??= new Map()
    addTo(countIn(this[kind], cell), latencyMs, bucket)
  }

  /** Counts many at once, in `cells` or apart. `known` is how many of them have a latency; all are in one bucket. */
  addMany(
    kind: 'cells' | 'hops' | 'probes',
    cell: number,
    { count, known, latencyMsSum }: { readonly count: number; readonly known: number; readonly latencyMsSum: number },
    bucket: number,
  ): void {
    if (kind !== 'cells') this[kind] ??= new Map()
    const counts = this[kind] ?? this.cells
    let sum = counts.get(cell)
    if (sum === undefined) {
      sum = { ...emptyCount(), buckets: new LatencyHistogram() }
      counts.set(cell, sum)
    }
    sum.count += count
    if (known === 0) return
    sum.latencyMsSum += latencyMsSum
    sum.latencies += known
    if (sum.buckets instanceof LatencyHistogram) sum.buckets.addMany(bucket, known)
  }

  /** Takes one count without a latency away. */
  take(cell: number): void {
    const count = this.cells.get(cell)
    if (count === undefined) return
    count.count -= 1
    if (count.count <= 0) this.cells.delete(cell)
  }

  /** Takes cells out; undefined if there are none. */
  extract(isTaken: (cell: number) => boolean): Tally | undefined {
    const taken = new Tally()
    extractCounts(this.cells, taken.cells, isTaken)
    if (taken.cells.size === 0) return undefined
    for (const kind of ['hops', 'probes'] as const) {
      const counts = this[kind]
      if (counts === undefined) continue
      taken[kind] = new Map()
      extractCounts(counts, taken[kind], isTaken)
    }
    return taken
  }

  /** Packs its counts. Yields whenever `into` is full. */
  *pack(into: PackedWriter): Generator<void> {
    for (const counts of [this.cells, this.hops, this.probes]) {
      into.integer(counts?.size ?? 0)
      for (const [cell, count] of counts ?? []) {
        packCount(cell, count, into)
        if (into.isFull) yield
      }
    }
  }

  /** Adds the counts that {@link pack} packed. */
  unpack(from: PackedReader): void {
    unpackCounts(this.cells, from)
    for (const kind of ['hops', 'probes'] as const) {
      const counts = unpackCounts(new Map(), from)
      if (counts.size > 0) this[kind] = counts
    }
  }

  merge(other: Tally): void {
    mergeCounts(this.cells, other.cells)
    for (const kind of ['hops', 'probes'] as const) {
      const counts = other[kind]
      if (counts === undefined) continue
      this[kind] ??= new Map()
      mergeCounts(this[kind], counts)
    }
  }
}

function countIn(counts: Map<number, Count>, cell: number): Count {
  let count = counts.get(cell)
  if (count === undefined) {
    count = emptyCount()
    counts.set(cell, count)
  }
  return count
}

const single = new Float64Array(1)

/** Counts one more in a cell. */
export function addTo(count: Count, latencyMs: number | undefined, bucket: number): void {
  single[0] = latencyMs ?? Number.NaN
  addRowTo(count, single, 0, bucket)
}

/** Counts one more in a cell. Its latency is in a column, NaN for none: as an argument it would be made into an object. */
export function addRowTo(count: Count, latencies: Float64Array, row: number, bucket: number): void {
  count.count += 1
  const latencyMs = latencies[row] ?? Number.NaN
  if (Number.isNaN(latencyMs)) return
  count.latencyMsSum += latencyMs
  count.latencies += 1
  const { buckets } = count
  if (buckets instanceof LatencyHistogram) buckets.addBucket(bucket)
  else if (buckets === undefined) count.buckets = [bucket]
  else count.buckets = withBucket(buckets, bucket)
}

/** A `push` makes room for 16 more, and most lists stay short. */
function withBucket(list: number[], bucket: number): Latencies {
  const [a = 0, b = 0, c = 0] = list
  if (list.length === 1) return [a, bucket]
  if (list.length === 2) return [a, b, bucket]
  if (list.length === 3) return [a, b, c, bucket]
  if (list.length < LISTED_MAX) {
    list.push(bucket)
    return list
  }
  const histogram = new LatencyHistogram()
  histogram.addBuckets([...list, bucket])
  return histogram
}

function extractCounts(from: Map<number, Count>, into: Map<number, Count>, isTaken: (cell: number) => boolean): void {
  for (const [cell, count] of from) {
    if (!isTaken(cell)) continue
    into.set(cell, count)
    from.delete(cell)
  }
}

function mergeCounts(into: Map<number, Count>, from: ReadonlyMap<number, Count>): void {
  for (const [cell, count] of from) {
    let sum = into.get(cell)
    if (sum === undefined) {
      sum = emptyCount()
      into.set(cell, sum)
    }
    sum.count += count.count
    sum.latencyMsSum += count.latencyMsSum
    sum.latencies += count.latencies
    if (count.buckets === undefined) continue
    if (!(sum.buckets instanceof LatencyHistogram)) {
      const histogram = new LatencyHistogram()
      addLatencies(histogram, sum.buckets)
      sum.buckets = histogram
    }
    addLatencies(sum.buckets, count.buckets)
  }
}

function packCount(cell: number, { count, latencyMsSum, latencies, buckets }: Count, into: PackedWriter): void {
  into.integer(cell)
  into.integer(count)
  into.integer(latencies)
  if (latencies === 0) return
  into.number(latencyMsSum)
  // A list begins with its length, a histogram with 0.
  if (buckets instanceof LatencyHistogram) {
    into.integer(0)
    buckets.pack(into)
    return
  }
  into.integer(buckets?.length ?? 0)
  // The bucket of latencies that count as 0 is -1.
  for (const bucket of buckets ?? []) into.integer(bucket + 1)
}

function unpackCounts(counts: Map<number, Count>, from: PackedReader): Map<number, Count> {
  for (let left = from.integer(); left > 0; left -= 1) {
    const count = emptyCount()
    counts.set(from.integer(), count)
    count.count = from.integer()
    count.latencies = from.integer()
    if (count.latencies === 0) continue
    count.latencyMsSum = from.number()
    const length = from.integer()
    count.buckets = length === 0 ? LatencyHistogram.unpack(from) : Array.from({ length }, () => from.integer() - 1)
  }
  return counts
}
