import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { sampleName } from './definitions.ts'
import { type Family, OVERFLOW_LABEL, type Sample } from './families.ts'
import { type Exemplar, Histogram } from './histogram.ts'
import type { MetricsSource } from './source.ts'

/** What escudo needs of a registry of prom-client. Its class `Registry` has all of it. */
export interface PrometheusRegistry {
  registerMetric(metric: never): void
  getSingleMetric(name: string): unknown
  removeSingleMetric(name: string): void
}

type Labels = Readonly<Record<string, string | number>>

/** A value in the form of prom-client. */
interface RegistryValue {
  readonly metricName?: string
  readonly labels: Labels
  readonly value: number
  readonly exemplar?: { readonly labelSet: Labels; readonly value: number; readonly timestamp: number } | undefined
}

/** One metric in the form of prom-client. */
interface RegistryMetric {
  readonly name: string
  readonly help: string
  readonly type: string
  /** How prom-client adds up the values of the processes of a cluster. */
  readonly aggregator: 'sum'
  readonly values: readonly RegistryValue[]
}

const METHODS = ['registerMetric', 'getSingleMetric', 'removeSingleMetric'] as const

/**
 * Registers all metrics of a source in a registry of prom-client: all, or none.
 *
 * @returns a function that removes them
 * @throws ConfigurationError if the registry is none, or has a metric with one of the names
 */
export function registerMetrics(registry: PrometheusRegistry, source: MetricsSource, path: string): () => void {
  for (const method of METHODS) {
    if (typeof registry?.[method] === 'function') continue
    throw new ConfigurationError(path, `expected a registry of prom-client with ${method}(), got ${show(registry)}`)
  }
  const snapshot = new Snapshot(source)
  const metrics = source.collect(sampleName).map((family) => new RegisteredMetric(family, snapshot))
  for (const { name } of metrics) {
    if (registry.getSingleMetric(name) === undefined) continue
    throw new ConfigurationError(
      path,
      `the registry already has a metric '${name}'; close the other metrics of escudo in this registry, or remove that metric, or use a separate registry`,
    )
  }
  for (const metric of metrics) registry.registerMetric(metric as never)
  return () => {
    for (const metric of metrics) {
      // The registry may have been cleared, and another metric may have the name now.
      if (registry.getSingleMetric(metric.registeredName) === metric) registry.removeSingleMetric(metric.registeredName)
    }
  }
}

/** All metrics as they were when the registry began to read them. It reads them one by one, in one synchronous run. */
class Snapshot {
  readonly #source: MetricsSource
  #families: ReadonlyMap<string, Family<Sample | Histogram>> | undefined
  /** The metrics that were read from this snapshot. One that is read again begins another snapshot. */
  readonly #read = new Set<string>()

  constructor(source: MetricsSource) {
    this.#source = source
  }

  family(name: string): Family<Sample | Histogram> | undefined {
    if (this.#families === undefined || this.#read.has(name)) {
      this.#read.clear()
      this.#families = new Map(this.#source.collect(sampleName).map((family) => [family.facts.name, family]))
      queueMicrotask(() => {
        this.#families = undefined
      })
    }
    this.#read.add(name)
    return this.#families.get(name)
  }
}

/** A metric as prom-client expects it. It has no values, but reads them from the source. */
class RegisteredMetric {
  /** For OpenMetrics, the registry removes `_total` from the name of a counter here. */
  name: string
  /** The name by which the registry knows the metric. */
  readonly registeredName: string
  readonly help: string
  readonly type: string
  readonly aggregator = 'sum'
  readonly #family: string
  readonly #snapshot: Snapshot

  constructor({ facts }: Family<Sample | Histogram>, snapshot: Snapshot) {
    this.name = sampleName(facts)
    this.registeredName = this.name
    this.help = facts.help
    this.type = facts.type
    this.#family = facts.name
    this.#snapshot = snapshot
  }

  async get(): Promise<RegistryMetric> {
    const { name, help, type, aggregator } = this
    // Before any `await`: all metrics that the registry reads in one run belong to one snapshot.
    const family = this.#snapshot.family(this.#family)
    return { name, help, type, aggregator, values: family === undefined ? [] : valuesOf(family) }
  }

  /** Required by `resetMetrics()`. The counters belong to all faces, so the registry does not reset them. */
  reset(): void {}
}

function valuesOf(family: Family<Sample | Histogram>): readonly RegistryValue[] {
  const { labelNames, facts } = family
  return family.entries().flatMap(({ values, series }): RegistryValue[] => {
    const labels = labelsOf(labelNames, values)
    if (!(series instanceof Histogram)) return [{ labels, value: series.value }]
    let count = 0
    const buckets = series.counts.map((inBucket, index): RegistryValue => {
      count += inBucket
      return {
        metricName: `${facts.name}_bucket`,
        labels: { ...labels, le: series.bounds[index] ?? '+Inf' },
        value: count,
        exemplar: exemplarOf(series.exemplars[index]),
      }
    })
    return [
      ...buckets,
      { metricName: `${facts.name}_sum`, labels, value: series.sum },
      { metricName: `${facts.name}_count`, labels, value: count },
    ]
  })
}

function labelsOf(names: readonly string[], values: readonly (string | undefined)[] | undefined): Labels {
  if (values === undefined) return { [OVERFLOW_LABEL.replaceAll('.', '_')]: 'true' }
  const labels: Record<string, string> = {}
  for (const [index, name] of names.entries()) {
    const value = values[index]
    if (value !== undefined) labels[name] = value
  }
  return labels
}

function exemplarOf(exemplar: Exemplar | undefined): RegistryValue['exemplar'] {
  if (exemplar === undefined) return undefined
  return { labelSet: { trace_id: exemplar.traceId }, value: exemplar.value, timestamp: exemplar.atMs / 1_000 }
}
