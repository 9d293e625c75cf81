import { knownKeys, nonEmptyText, trueOrFalse, wholeNumber } from '../core/options/options.ts'
import { prefersType } from '../errors/contract/negotiation.ts'
import { sampleName, TARGET } from './metrics/definitions.ts'
import { type Family, type Sample, samples } from './metrics/families.ts'
import { type PrometheusRegistry, registerMetrics } from './metrics/prometheus-registry.ts'
import { MetricsSource } from './metrics/source.ts'
import { CONTENT_TYPES, type TextFormat } from './metrics/text.ts'
import { writeFamilies } from './metrics/write.ts'

/** Options of {@link createMetrics}. */
export interface MetricsOptions {
  /**
   * The maximum number of series of a metric, 1 to 100 000. A histogram is one series. Default 1999: one less than the
   * limit of OpenTelemetry's SDKs. Beyond it, measurements go to one series with the label `otel_metric_overflow="true"`,
   * and `escudo_metrics_folded_total` counts them.
   */
  readonly maxSeries?: number
  /** Whether each latency bucket keeps the trace of its latest sampled request, for OpenMetrics. Default true. */
  readonly exemplars?: boolean
  /**
   * A registry of prom-client 15, which then has all series, too. It reads them when it is asked for its metrics, so a
   * request costs nothing more. Its `resetMetrics()` does not reset them. Default: none.
   */
  readonly registry?: PrometheusRegistry
  /**
   * The name of this instance of the service: the text gets `target_info{service_instance_id="…"} 1`, as OpenTelemetry's
   * exporters write it. Prometheus joins it to the other series of the process. Default: none.
   */
  readonly instance?: string | undefined
}

/** The answer to one scrape of Prometheus. */
export interface MetricsPage {
  /** The value of the `Content-Type` header. */
  readonly contentType: string
  readonly body: string
}

/** The metrics of this process, made by {@link createMetrics}. */
export interface Metrics {
  /**
   * Writes all series as they are now. Nothing is counted while the text is written, so counts and buckets agree.
   *
   * @param accept the request's `Accept` header. If it prefers OpenMetrics, the text is OpenMetrics with exemplars;
   * otherwise it is Prometheus' own text format
   */
  scrape(accept?: string): MetricsPage
  /**
   * Stops counting, and removes the series from the registry and from OpenTelemetry's meters. {@link scrape} still shows
   * what was counted. A second call does nothing.
   */
  close(): void
}

/**
 * Collects metrics of this process for Prometheus: as text, or in a registry of prom-client.
 *
 * It counts requests that an adapter serves, attempts that `resilientFetch` sends, and the outcomes of the policies of
 * every shield. Create it when the program starts: only later events are counted. Without it, counting costs nothing.
 *
 * The names of HTTP metrics follow OpenTelemetry's semantic conventions. The text follows Prometheus' exposition format
 * 0.0.4 or OpenMetrics 1.0.0. docs/telemetry.md lists all names, labels and outcomes. `recordMetrics` of `escudo/otel`
 * records the same metrics through OpenTelemetry.
 *
 * @throws ConfigurationError for an invalid option, and for a registry that already has a metric with one of the names
 * @example
 * ```ts
 * import { circuitBreaker, shield } from 'escudo'
 * import { createMetrics } from 'escudo/telemetry'
 *
 * const metrics = createMetrics()
 * const inventory = shield('inventory', circuitBreaker())
 * await inventory.run(() => 42)
 * const { contentType, body } = metrics.scrape()
 * console.log(contentType, body)
 * // escudo_circuit_breaker_executions_total{escudo_shield="inventory",escudo_policy="circuitBreaker",outcome="success"} 1
 * metrics.close()
 * ```
 */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  return new ProcessMetrics(options)
}

const PATH = 'createMetrics'
/** With the overflow series 2000, the limit of OpenTelemetry's SDKs. */
const MAX_SERIES_DEFAULT = 1_999
const OPENMETRICS = ['application/openmetrics-text', 'application/*', '*/*']
const PLAIN = ['text/plain', 'text/*', '*/*']

class ProcessMetrics implements Metrics {
  readonly #source: MetricsSource
  /** Only in the text: OpenTelemetry has a resource for it. */
  readonly #target: readonly Family<Sample>[]

  constructor(options: MetricsOptions) {
    knownKeys(options, PATH, ['maxSeries', 'exemplars', 'registry', 'instance'])
    const maxSeries = wholeNumber(options.maxSeries ?? MAX_SERIES_DEFAULT, `${PATH}.maxSeries`, 1, 100_000)
    const { instance } = options
    if (instance !== undefined) nonEmptyText(instance, `${PATH}.instance`)
    this.#target = instance === undefined ? [] : [targetInfo(instance)]
    const exemplars = trueOrFalse(options.exemplars ?? true, `${PATH}.exemplars`)
    const source = new MetricsSource(maxSeries, exemplars)
    this.#source = source
    sources.set(this, source)
    if (options.registry === undefined) return
    try {
      source.onClosed(registerMetrics(options.registry, source, `${PATH}.registry`))
    } catch (error) {
      source.close()
      throw error
    }
  }

  scrape(accept?: string): MetricsPage {
    const format: TextFormat = prefersType(accept, OPENMETRICS, PLAIN) ? 'openmetrics' : 'prometheus'
    return {
      contentType: CONTENT_TYPES[format],
      body: writeFamilies([...this.#source.collect(sampleName), ...this.#target], format),
    }
  }

  close(): void {
    this.#source.close()
  }
}

function targetInfo(instance: string): Family<Sample> {
  const family = samples(TARGET, 1)
  family.seriesFor([instance]).value = 1
  return family
}

const sources = new WeakMap<Metrics, MetricsSource>()

/** The counters of metrics that {@link createMetrics} made; undefined for any other value. */
export function sourceOf(metrics: Metrics): MetricsSource | undefined {
  return sources.get(metrics)
}
