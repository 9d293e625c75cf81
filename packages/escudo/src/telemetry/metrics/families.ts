import { Histogram } from './histogram.ts'
import { boundText, helpText, labelText, numberText, type TextFormat } from './text.ts'

/** The definition of a metric, without its values. */
export interface FamilyFacts {
  /** The name, with its unit and without `_total`. */
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  /** The unit that the name ends in. */
  readonly unit?: 'seconds'
}

/** The label values of a series, in the order of the family's `labels`. */
export type LabelValues = readonly (string | undefined)[]

/** The value of a counter or gauge series. */
export interface Sample {
  value: number
}

/** A node of the lookup tree: it has a child for each value of the next label. */
interface LabelNode<S> {
  readonly children: Map<string | undefined, LabelNode<S>>
  series: S | undefined
}

// The label that OpenTelemetry's SDKs give to the overflow series of a metric.
const OVERFLOW = 'otel_metric_overflow="true"'

/**
 * All series of one metric, up to a maximum number.
 *
 * The number must be limited because label values come from routes, hosts and names, which a program can create without
 * limit. Measurements beyond the maximum go to one overflow series and are counted.
 */
export class Family<S> {
  readonly facts: FamilyFacts
  readonly #make: () => S
  readonly #max: number
  readonly #series = new Map<string, S>()
  // The same series as a tree of label values, so that a measurement builds no text. It has at most #max entries.
  readonly #byLabelValues: LabelNode<S> = { children: new Map(), series: undefined }
  #rememberedCount = 0
  #overflow: S | undefined
  /** The number of measurements that went to the overflow series. */
  foldedCount = 0

  constructor(facts: FamilyFacts, max: number, make: () => S) {
    this.facts = facts
    this.#max = max
    this.#make = make
  }

  /** The series for a measurement: the overflow series if there is no room for another one. */
  seriesFor(values: LabelValues): S {
    let node: LabelNode<S> | undefined = this.#byLabelValues
    for (let index = 0; index < values.length && node !== undefined; index += 1) node = node.children.get(values[index])
    if (node?.series !== undefined) return node.series
    const series = this.reserve(values)
    if (series !== undefined) {
      this.#remember(values, series)
      return series
    }
    this.foldedCount += 1
    this.#overflow ??= this.#make()
    return this.#overflow
  }

  /** The series with these labels, created at zero if there is room; undefined if there is none. */
  reserve(values: LabelValues): S | undefined {
    const labels = labelText(this.facts.labels, values)
    const existing = this.#series.get(labels)
    if (existing !== undefined || this.#series.size >= this.#max) return existing
    const made = this.#make()
    this.#series.set(labels, made)
    return made
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
  entries(): readonly (readonly [labels: string, series: S])[] {
    const sorted = [...this.#series].sort(([a], [b]) => (a < b ? -1 : 1))
    return this.#overflow === undefined ? sorted : [...sorted, [OVERFLOW, this.#overflow]]
  }
}

/** Makes a family of counters or gauges. */
export function samples(facts: FamilyFacts, max: number): Family<Sample> {
  return new Family(facts, max, () => ({ value: 0 }))
}

/** Makes a family of histograms. */
export function histograms(facts: FamilyFacts, max: number, bounds: readonly number[]): Family<Histogram> {
  return new Family(facts, max, () => new Histogram(bounds))
}

/** Writes families as text, sorted by name. Families without series are left out. */
export function writeFamilies(families: readonly Family<Sample | Histogram>[], format: TextFormat): string {
  const lines: string[] = []
  const byName = [...families].sort((a, b) => (a.facts.name < b.facts.name ? -1 : 1))
  for (const family of byName) {
    const entries = family.entries()
    if (entries.length === 0) continue
    writeHead(lines, family.facts, format)
    const name = sampleName(family.facts)
    for (const [labels, series] of entries) {
      if (series instanceof Histogram) writeHistogram(lines, name, labels, series, format)
      else lines.push(`${name}${labels === '' ? '' : `{${labels}}`} ${numberText(series.value)}`)
    }
  }
  if (format === 'openmetrics') lines.push('# EOF')
  return `${lines.join('\n')}${lines.length === 0 ? '' : '\n'}`
}

function sampleName({ name, type }: FamilyFacts): string {
  return type === 'counter' ? `${name}_total` : name
}

function writeHead(lines: string[], facts: FamilyFacts, format: TextFormat): void {
  // Prometheus' own format names a counter by its samples, OpenMetrics without `_total`.
  const name = format === 'prometheus' ? sampleName(facts) : facts.name
  lines.push(`# HELP ${name} ${helpText(facts.help, format)}`, `# TYPE ${name} ${facts.type}`)
  if (format === 'openmetrics' && facts.unit !== undefined) lines.push(`# UNIT ${name} ${facts.unit}`)
}

function writeHistogram(lines: string[], name: string, labels: string, histogram: Histogram, format: TextFormat): void {
  const before = labels === '' ? '' : `${labels},`
  let count = 0
  for (let index = 0; index < histogram.counts.length; index += 1) {
    count += histogram.counts[index] as number
    const le = boundText(histogram.bounds[index] ?? Number.POSITIVE_INFINITY, format)
    const exemplar = format === 'openmetrics' ? exemplarText(histogram, index) : ''
    lines.push(`${name}_bucket{${before}le="${le}"} ${count}${exemplar}`)
  }
  const all = labels === '' ? '' : `{${labels}}`
  lines.push(`${name}_sum${all} ${numberText(histogram.sum)}`, `${name}_count${all} ${count}`)
}

function exemplarText(histogram: Histogram, index: number): string {
  const exemplar = histogram.exemplars[index]
  if (exemplar === undefined) return ''
  const { traceId, value, atMs } = exemplar
  return ` # {${labelText(['trace_id'], [traceId])}} ${numberText(value)} ${(atMs / 1_000).toFixed(3)}`
}
