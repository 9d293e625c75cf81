import { Histogram } from './histogram.ts'
import { boundText, helpText, labelText, numberText, type TextFormat } from './text.ts'

/** What a metric is, apart from its values. */
export interface FamilyFacts {
  /** With its unit, and without `_total`. */
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  /** The unit that the name ends in. */
  readonly unit?: 'seconds'
}

/** The values of a series' labels, in the order of the family's names. */
export type LabelValues = readonly (string | undefined)[]

/** A series' value where it is a number. */
export interface Sample {
  value: number
}

/** One step on the way from a family to a series: for each value of the next label where it goes on. */
interface Node<S> {
  readonly next: Map<string | undefined, Node<S>>
  series: S | undefined
}

// The label that OpenTelemetry's SDKs put on what exceeds a metric's limit.
const FOLDED = 'otel_metric_overflow="true"'

/**
 * All series of one metric. Bounded: label values come from routes, hosts and names, of which a program may make up as
 * many as it likes. What comes when all places are taken is folded into one series of its own, and counted.
 */
export class Family<S> {
  readonly facts: FamilyFacts
  readonly #make: () => S
  readonly #max: number
  readonly #series = new Map<string, S>()
  // The same by the labels' values, one map within the other: a measurement writes no text. As bounded as the series.
  readonly #byValues: Node<S> = { next: new Map(), series: undefined }
  #remembered = 0
  #folded: S | undefined
  /** How many measurements were folded. */
  foldedCount = 0

  constructor(facts: FamilyFacts, max: number, make: () => S) {
    this.facts = facts
    this.#max = max
    this.#make = make
  }

  /** The series for a measurement; beyond the bound the one into which all others are folded. */
  at(values: LabelValues): S {
    let node: Node<S> | undefined = this.#byValues
    for (let index = 0; index < values.length && node !== undefined; index += 1) node = node.next.get(values[index])
    if (node?.series !== undefined) return node.series
    const found = this.known(values)
    if (found !== undefined) {
      this.#remember(values, found)
      return found
    }
    this.foldedCount += 1
    this.#folded ??= this.#make()
    return this.#folded
  }

  /** The series with these labels, made where there is room. To be called without a measurement: so it shows zero. */
  known(values: LabelValues): S | undefined {
    const labels = labelText(this.facts.labels, values)
    const present = this.#series.get(labels)
    if (present !== undefined || this.#series.size >= this.#max) return present
    const made = this.#make()
    this.#series.set(labels, made)
    return made
  }

  #remember(values: LabelValues, series: S): void {
    // Different values may mean one series, since they are cut and mended; those without a place are looked up by text.
    if (this.#remembered >= this.#max) return
    this.#remembered += 1
    let node = this.#byValues
    for (const value of values) {
      let next = node.next.get(value)
      if (next === undefined) {
        next = { next: new Map(), series: undefined }
        node.next.set(value, next)
      }
      node = next
    }
    node.series = series
  }

  /** By their labels, so that two scrapes differ in nothing but values; the folded one comes last. */
  entries(): readonly (readonly [labels: string, series: S])[] {
    const sorted = [...this.#series].sort(([one], [other]) => (one < other ? -1 : 1))
    return this.#folded === undefined ? sorted : [...sorted, [FOLDED, this.#folded]]
  }
}

/** A family of numbers. */
export function samples(facts: FamilyFacts, max: number): Family<Sample> {
  return new Family(facts, max, () => ({ value: 0 }))
}

/** A family of histograms. */
export function histograms(facts: FamilyFacts, max: number, bounds: readonly number[]): Family<Histogram> {
  return new Family(facts, max, () => new Histogram(bounds))
}

/** Writes families, ordered by name. What has no series yet is left out. */
export function writeFamilies(families: readonly Family<Sample | Histogram>[], format: TextFormat): string {
  const lines: string[] = []
  const byName = [...families].sort((one, other) => (one.facts.name < other.facts.name ? -1 : 1))
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
  // Prometheus' own form knows a counter by the name of its samples, OpenMetrics by the name without `_total`.
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
