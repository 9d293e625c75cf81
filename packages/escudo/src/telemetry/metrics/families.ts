import type { FamilyFacts } from './definitions.ts'
import { Histogram, type Recorders } from './histogram.ts'
import { cleanValue, labelText } from './text.ts'

/** The label values of a series, in the order of the family's `labels`. A number is written in decimal. */
export type LabelValues = readonly (string | number | undefined)[]

/** The value of a counter or gauge series. */
export interface Sample {
  value: number
}

/** One series of a family, as the faces read it. */
export interface SeriesEntry<S> {
  /** The labels as Prometheus writes them, without braces. They identify the series. */
  readonly text: string
  /** The values of the labels, in the family's order: shortened, but not escaped. Undefined for the overflow series. */
  readonly values: readonly (string | undefined)[] | undefined
  readonly series: S
}

/** A node of the lookup tree: it has a child for each value of the next label. */
interface LabelNode<S> {
  readonly children: Map<string | number | undefined, LabelNode<S>>
  series: S | undefined
}

/** The label that OpenTelemetry's SDKs give to the overflow series of a metric. */
export const OVERFLOW_LABEL = 'otel.metric.overflow'
const OVERFLOW_TEXT = labelText(['otel_metric_overflow'], ['true'])

/**
 * All series of one metric, up to a maximum number.
 *
 * The number must be limited because label values come from routes, hosts and names, which a program can create without
 * limit. Measurements beyond the maximum go to one overflow series and are counted.
 */
export class Family<S> {
  readonly facts: FamilyFacts
  /** The names of the labels in Prometheus. */
  readonly labelNames: readonly string[]
  readonly #make: (values: SeriesEntry<S>['values']) => S
  readonly #max: number
  readonly #series = new Map<string, SeriesEntry<S>>()
  // The same series as a tree of label values, so that a measurement builds no text. It has at most #max entries.
  readonly #byLabelValues: LabelNode<S> = { children: new Map(), series: undefined }
  #rememberedCount = 0
  #overflow: S | undefined
  /** The number of measurements that went to the overflow series. */
  foldedCount = 0

  constructor(facts: FamilyFacts, max: number, make: (values: SeriesEntry<S>['values']) => S) {
    this.facts = facts
    this.labelNames = facts.labels.map((label) => label.replaceAll('.', '_'))
    this.#max = max
    this.#make = make
  }

  /** The series for a measurement: the overflow series if there is no room for another one. */
  seriesFor(values: LabelValues): S {
    let node: LabelNode<S> | undefined = this.#byLabelValues
    for (let index = 0; index < values.length && node !== undefined; index += 1) node = node.children.get(values[index])
    return node?.series ?? this.#firstTime(values)
  }

  #firstTime(values: LabelValues): S {
    const series = this.reserve(values)
    if (series !== undefined) {
      this.#remember(values, series)
      return series
    }
    this.foldedCount += 1
    this.#overflow ??= this.#make(undefined)
    return this.#overflow
  }

  /** The series with these labels, created at zero if there is room; undefined if there is none. */
  reserve(values: LabelValues): S | undefined {
    const cleaned = this.facts.labels.map((_, index) => cleanValue(values[index]))
    const text = labelText(this.labelNames, cleaned)
    const existing = this.#series.get(text)
    if (existing !== undefined || this.#series.size >= this.#max) return existing?.series
    const series = this.#make(cleaned)
    this.#series.set(text, { text, values: cleaned, series })
    return series
  }

  #remember(values: LabelValues, series: S): void {
    // Values are shortened and escaped, so several can belong to one series. Beyond the maximum, they are looked up by
    // text.
    if (this.#rememberedCount >= this.#max) return
    this.#rememberedCount += 1
    let node = this.#byLabelValues
    for (const value of values) {
      let child = node.children.get(value)
      if (child === undefined) {
        child = { children: new Map(), series: undefined }
        node.children.set(value, child)
      }
      node = child
    }
    node.series = series
  }

  /** Lists the series, sorted by labels so that scrapes are easy to compare. The overflow series is last. */
  entries(): readonly SeriesEntry<S>[] {
    const sorted = [...this.#series.values()].sort((a, b) => (a.text < b.text ? -1 : 1))
    if (this.#overflow === undefined) return sorted
    return [...sorted, { text: OVERFLOW_TEXT, values: undefined, series: this.#overflow }]
  }
}

/** A family of histograms, whose measurements can also be recorded elsewhere. */
export class HistogramFamily extends Family<Histogram> {
  readonly bounds: readonly number[]
  readonly recorders: Recorders

  constructor(facts: FamilyFacts, max: number, bounds: readonly number[]) {
    const recorders: Recorders = { list: [] }
    super(facts, max, (values) => new Histogram(bounds, values, recorders))
    this.bounds = bounds
    this.recorders = recorders
  }
}

/** Makes a family of counters or gauges. */
export function samples(facts: FamilyFacts, max: number): Family<Sample> {
  return new Family(facts, max, () => ({ value: 0 }))
}
