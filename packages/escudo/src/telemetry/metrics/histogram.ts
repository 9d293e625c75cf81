/** One measurement of a bucket, with its trace. */
export interface Exemplar {
  readonly traceId: string
  readonly value: number
  /** Wall-clock time, because people and other systems read it. */
  readonly atMs: number
}

/** Receives each measurement of the histograms of one metric. */
export type Recorder = (value: number, histogram: Histogram) => void

/** The recorders of one metric. The list is replaced and never mutated. */
export interface Recorders {
  list: readonly Recorder[]
}

const NO_RECORDERS: Recorders = { list: [] }

/** Counts measurements per bucket. The counts here are separate; the text writer adds them up. */
export class Histogram {
  /** The upper bounds, ascending. Each bound is inclusive. */
  readonly bounds: readonly number[]
  /** The label values of the series; undefined for the overflow series. */
  readonly values: readonly (string | undefined)[] | undefined
  /** One count per bound, and one for values above all bounds. */
  readonly counts: number[]
  /** The latest exemplar of each bucket. */
  readonly exemplars: (Exemplar | undefined)[] = []
  sum = 0
  readonly #recorders: Recorders

  constructor(
    bounds: readonly number[],
    values?: readonly (string | undefined)[],
    recorders: Recorders = NO_RECORDERS,
  ) {
    this.bounds = bounds
    this.values = values
    this.counts = new Array<number>(bounds.length + 1).fill(0)
    this.#recorders = recorders
  }

  /**
   * Counts a measurement. Ignores NaN and infinity, which would make the sum useless. A negative one, by a clock that
   * went back, counts as 0: OpenTelemetry drops it, and Prometheus takes a sum that falls for a restart.
   */
  observe(measured: number, traceId?: string): void {
    if (!Number.isFinite(measured)) return
    const value = measured < 0 ? 0 : measured
    const { bounds } = this
    let index = 0
    // There are few bounds and most values are small, so a linear search is as fast as a binary one.
    while (index < bounds.length && value > (bounds[index] as number)) index += 1
    this.counts[index] = (this.counts[index] as number) + 1
    this.sum += value
    if (traceId !== undefined) this.exemplars[index] = { traceId, value, atMs: Date.now() }
    const { list } = this.#recorders
    for (let recorder = 0; recorder < list.length; recorder += 1) (list[recorder] as Recorder)(value, this)
  }
}
