// Setup of the tests of the three faces: readers that bring each face into one form, to compare them.
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import type { Registry } from 'prom-client'
import { readScrape } from '../../metrics/test/setup.ts'

/** All series of a face: the value, or the sum and the cumulative counts of the buckets, by name and labels. */
export type Series = ReadonlyMap<string, number | HistogramValue>

export interface HistogramValue {
  readonly count: number
  readonly sum: number
  readonly buckets: Readonly<Record<string, number>>
}

/** Reads Prometheus' text. Names are those of the samples. */
export function seriesOfText(text: string): Series {
  const { types, samples } = readScrape(`${text.replaceAll(/\n{2,}/g, '\n').trimEnd()}\n`)
  const series = new Map<string, number | HistogramValue>()
  const histograms = new Map<string, { count: number; sum: number; buckets: Record<string, number> }>()
  for (const { name, labels, value } of samples) {
    const base = name.replace(/_(bucket|sum|count)$/, '')
    if (types.get(name) !== undefined) {
      series.set(identity(name, labels), value)
      continue
    }
    const { le, ...rest } = labels
    const key = identity(base, rest)
    const histogram = histograms.get(key) ?? { count: Number.NaN, sum: Number.NaN, buckets: {} }
    histograms.set(key, histogram)
    if (le !== undefined) histogram.buckets[le] = value
    else if (name.endsWith('_sum')) histogram.sum = value
    else histogram.count = value
  }
  return new Map([...series, ...histograms])
}

/** Reads a registry of prom-client. */
export async function seriesOfRegistry(registry: Registry): Promise<Series> {
  return seriesOfText(await registry.metrics())
}

/** The official SDK with its reader in memory. */
export class OtelSdk {
  readonly #exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  readonly #reader = new PeriodicExportingMetricReader({
    exporter: this.#exporter,
    exportIntervalMillis: 2 ** 30,
    exportTimeoutMillis: 10_000,
  })
  readonly provider = new MeterProvider({ readers: [this.#reader] })

  /** The metrics of the last collection, with their units and types. */
  async collect(): Promise<readonly OtelMetric[]> {
    await this.#reader.forceFlush()
    const latest = this.#exporter.getMetrics().at(-1)
    return (latest?.scopeMetrics ?? []).flatMap(({ scope, metrics }) =>
      metrics.map((metric) => ({
        scope: scope.name,
        name: metric.descriptor.name,
        unit: metric.descriptor.unit,
        type:
          metric.dataPointType === DataPointType.SUM && !metric.isMonotonic
            ? 'updown'
            : (TYPES[metric.dataPointType] ?? 'unknown'),
        points: metric.dataPoints.map(({ attributes, value }) => ({
          attributes: attributes as OtelPoint['attributes'],
          value: typeof value === 'number' ? value : histogramOf(value as OtelHistogram),
        })),
      })),
    )
  }

  async close(): Promise<void> {
    await this.provider.shutdown()
  }
}

export interface OtelPoint {
  readonly attributes: Readonly<Record<string, string | number | boolean>>
  readonly value: number | HistogramValue
}

export interface OtelMetric {
  readonly scope: string
  readonly name: string
  readonly unit: string
  readonly type: string
  readonly points: readonly OtelPoint[]
}

interface OtelHistogram {
  readonly count: number
  readonly sum?: number
  readonly buckets: { readonly boundaries: readonly number[]; readonly counts: readonly number[] }
}

const TYPES: Readonly<Record<number, string>> = {
  [DataPointType.HISTOGRAM]: 'histogram',
  [DataPointType.SUM]: 'counter',
  [DataPointType.GAUGE]: 'gauge',
}

function histogramOf({ count, sum, buckets: { boundaries, counts } }: OtelHistogram): HistogramValue {
  let below = 0
  const buckets = counts.map((inBucket, index) => {
    below += inBucket
    return [String(boundaries[index] ?? '+Inf'), below] as const
  })
  return { count, sum: sum ?? Number.NaN, buckets: Object.fromEntries(buckets) }
}

/** Translates what OpenTelemetry collected to the names of Prometheus. */
export function seriesOfOtel(collected: readonly OtelMetric[], names: ReadonlyMap<string, string>): Series {
  return new Map(
    collected.flatMap(({ name, points }) => {
      const prometheus = names.get(name) ?? `unknown ${name}`
      return points.map(({ attributes, value }): [string, number | HistogramValue] => {
        const labels = Object.entries(attributes).map(([key, label]) => {
          // The label of the folded measurements has the name of a metric.
          const text = key === 'metric' ? (names.get(String(label)) ?? 'unknown') : String(label)
          return [key.replaceAll('.', '_'), text] as const
        })
        return [identity(prometheus, Object.fromEntries(labels)), value]
      })
    }),
  )
}

function identity(name: string, labels: Readonly<Record<string, string>>): string {
  return `${name} ${JSON.stringify(Object.entries(labels).sort())}`
}
