/** One measurement of a bucket, with its trace. */
export interface Exemplar {
  readonly traceId: string
  readonly value: number
  /** Wall-clock time, because people and other systems read it. */
  readonly atMs: number
}

/** Counts measurements per bucket. The counts here are separate; the text writer adds them up. */
export class Histogram {
  /** The upper bounds, ascending. Each bound is inclusive. */
  readonly bounds: readonly number[]
  /** One count per bound, and one for values above all bounds. */
  readonly counts: number[]
  /** The latest exemplar of each bucket. */
  readonly exemplars: (Exemplar | undefined)[] = []
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Array<number>(bounds.length + 1).fill(0)
  }

  /** Counts a measurement. Ignores NaN and infinity, which would make the sum useless. */
  observe(value: number, traceId?: string): void {
    if (!Number.isFinite(value)) return
    const { bounds } = this
    let index = 0
    // There are few bounds and most values are small, so a linear search is as fast as a binary one.
    while (index < bounds.length && value > (bounds[index] as number)) index += 1
    this.counts[index] = (this.counts[index] as number) + 1
    this.sum += value
    if (traceId !== undefined) this.exemplars[index] = { traceId, value, atMs: Date.now() }
  }
}
