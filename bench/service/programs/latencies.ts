import { createHistogram } from 'node:perf_hooks'
import type { LoadResult } from '../load.ts'

const US_PER_MS = 1_000

/** Records the requests of one load. */
export class Latencies {
  readonly #histogram = createHistogram()
  readonly #startedMs = performance.now()
  #requests = 0

  /** A request that was sent at `sentMs` is answered. */
  record(sentMs: number): void {
    this.#histogram.record(Math.max(1, Math.round((performance.now() - sentMs) * US_PER_MS)))
    this.#requests += 1
  }

  result(wrong: string | undefined): LoadResult {
    const p = (percentile: number): number => this.#histogram.percentile(percentile) / US_PER_MS
    const elapsedMs = performance.now() - this.#startedMs
    return { requests: this.#requests, elapsedMs, p50Ms: p(50), p99Ms: p(99), wrong }
  }
}
