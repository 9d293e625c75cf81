import { LOG_GROWTH, SHORTEST_MS } from '../counts/latency-histogram.ts'
import type { EngineFields } from './engine-fields.ts'

/** The name of the bucket in rows. */
export const BUCKET = '_b'

/**
 * Returns the pipe that computes the bucket of a latency as the histograms of this page do, so that percentiles are the same.
 *
 * `width` is how many buckets count as one. Without a latency the bucket is that of 0.
 */
export function bucketPipe({ latency, latencyFactor }: EngineFields, width: number = 1): string {
  return `math max(floor(ln(${latency} / ${SHORTEST_MS / latencyFactor}) / ${LOG_GROWTH * width}), -1) as ${BUCKET}`
}

/** Returns the bucket of a row, in the middle of those that count as one. */
export function bucketOf(text: string | undefined, width: number = 1): number {
  const bucket = Number(text)
  if (!Number.isFinite(bucket) || bucket < 0) return -1
  return width === 1 ? bucket : bucket * width + Math.floor(width / 2)
}
