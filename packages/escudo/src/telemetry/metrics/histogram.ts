/** One measurement of a bucket, with the trace that it belongs to. */
export interface Exemplar {
  readonly traceId: string
  readonly value: number
  /** On the wall clock, since it is for people and other systems. */
  readonly atMs: number
}

/** How often a measurement fell between which bounds. Kept apart here, and added up where it is written. */
export class Histogram {
  /** Upper bounds, each of them included, ascending. */
  readonly bounds: readonly number[]
  /** One for each bound, and one more for what is above all of them. */
  readonly counts: number[]
  /** The latest of each bucket. */
  readonly exemplars: (Exemplar | undefined)[] = []
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Array<number>(bounds.length + 1).fill(0)
  }

  /** Counts a measurement. What is no number is not counted: it would make the sum useless for ever. */
  observe(value: number, traceId?: string): void {
    if (!Number.isFinite(value)) return
    const { bounds } = this
    let index = 0
    // A handful of bounds, and most measurements are small: searching from below is as fast as halving.
    while (index < bounds.length && value > (bounds[index] as number)) index += 1
    this.counts[index] = (this.counts[index] as number) + 1
    this.sum += value
    if (traceId !== undefined) this.exemplars[index] = { traceId, value, atMs: Date.now() }
  }
}
