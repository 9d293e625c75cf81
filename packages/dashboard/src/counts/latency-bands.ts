import { GROWTH, type LatencyHistogram, SHORTEST_MS, ZERO_BUCKET } from './latency-histogram.ts'

/** So many buckets of a histogram are one band of a heatmap: each band is about 1.5 times as wide as the one before. */
const BUCKETS_PER_BAND = 20

/** The band of latencies of 0. */
export const ZERO_BAND: number = ZERO_BUCKET

/** The latencies of a band in milliseconds. They exclude `to`. */
export interface BandLimits {
  readonly from: number
  readonly to: number
}

/** Returns the latencies of a band. */
export function bandLimits(band: number): BandLimits {
  if (band === ZERO_BAND) return { from: 0, to: SHORTEST_MS }
  return { from: bandStart(band), to: bandStart(band + 1) }
}

/** Returns pairs of a band and its count, the shortest latencies first. Whole buckets make a band, so counts are exact. */
export function latencyBands(histogram: LatencyHistogram): readonly number[] {
  const pairs: number[] = []
  for (const [bucket, count] of histogram.buckets()) {
    // That of 0 is -1 as a bucket and as a band.
    const band = Math.floor(bucket / BUCKETS_PER_BAND)
    if (pairs.at(-2) === band) pairs.push((pairs.pop() ?? 0) + count)
    else pairs.push(band, count)
  }
  return pairs
}

/** Returns the count of each band, from such pairs. */
export function countsOf(pairs: readonly number[] = []): ReadonlyMap<number, number> {
  const counts = new Map<number, number>()
  for (let at = 0; at < pairs.length; at += 2) counts.set(pairs[at] ?? 0, pairs[at + 1] ?? 0)
  return counts
}

/** Returns where a band begins, in milliseconds, as if there were bands below those that count. */
export function bandStart(band: number): number {
  return SHORTEST_MS * GROWTH ** (band * BUCKETS_PER_BAND)
}
