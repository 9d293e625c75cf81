import { knownKeys, trueOrFalse, wholeNumber } from '../core/options/options.ts'
import { registeredShields } from '../core/registry.ts'
import { prefersType } from '../errors/contract/negotiation.ts'
import { LOSS_REASONS, lostLines } from './lost-lines.ts'
import { samples, writeFamilies } from './metrics/families.ts'
import { HttpMetrics } from './metrics/http-metrics.ts'
import { PolicyMetrics } from './metrics/policy-metrics.ts'
import { CONTENT_TYPES, type TextFormat } from './metrics/text.ts'

/** Options of {@link createMetrics}. */
export interface MetricsOptions {
  /**
   * The maximum number of series of a metric, 1 to 100 000. A histogram is one series. Default 2000. Beyond it,
   * measurements go to one series with the label `otel_metric_overflow="true"`, and `escudo_metrics_folded_total`
   * counts them.
   */
  readonly maxSeries?: number
  /** Whether each latency bucket keeps the trace of its latest sampled request, for OpenMetrics. Default true. */
  readonly exemplars?: boolean
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
  /** Stops counting. {@link scrape} still shows what was counted. A second call does nothing. */
  close(): void
}

/**
 * Collects metrics of this process for Prometheus.
 *
 * It counts requests that an adapter serves, attempts that `resilientFetch` sends, and the outcomes of the policies of
 * every shield. Create it when the program starts: only later events are counted. Without it, counting costs nothing.
 *
 * The names of HTTP metrics follow OpenTelemetry's semantic conventions. The text follows Prometheus' exposition format
 * 0.0.4 or OpenMetrics 1.0.0. docs/telemetry.md lists all names, labels and outcomes.
 *
 * @throws ConfigurationError for an invalid option
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
const OPENMETRICS = ['application/openmetrics-text', 'application/*', '*/*']
const PLAIN = ['text/plain', 'text/*', '*/*']

class ProcessMetrics implements Metrics {
  readonly #http: HttpMetrics
  readonly #policies: PolicyMetrics

  constructor(options: MetricsOptions) {
    knownKeys(options, PATH, ['maxSeries', 'exemplars'])
    const maxSeries = wholeNumber(options.maxSeries ?? 2_000, `${PATH}.maxSeries`, 1, 100_000)
    this.#http = new HttpMetrics(maxSeries, trueOrFalse(options.exemplars ?? true, `${PATH}.exemplars`))
    this.#policies = new PolicyMetrics(maxSeries)
  }

  scrape(accept?: string): MetricsPage {
    const format: TextFormat = prefersType(accept, OPENMETRICS, PLAIN) ? 'openmetrics' : 'prometheus'
    const shields = registeredShields()
    // Gauges first: reading the state of a breaker can change it (open to half-open), and the change must be counted.
    const gauges = this.#policies.gauges(shields)
    this.#policies.prepare(shields)
    const bounded = [...this.#http.families, ...this.#policies.counters]
    const folded = samples(
      {
        name: 'escudo_metrics_folded',
        help: 'Measurements that went to the overflow series because the metric has its maximum number of series.',
        type: 'counter',
        labels: ['metric'],
      },
      bounded.length,
    )
    for (const { facts, foldedCount } of bounded) {
      folded.seriesFor([facts.type === 'counter' ? `${facts.name}_total` : facts.name]).value = foldedCount
    }
    return {
      contentType: CONTENT_TYPES[format],
      body: writeFamilies([...bounded, ...gauges, lostLogLines(), folded], format),
    }
  }

  close(): void {
    this.#http.close()
    this.#policies.close()
  }
}

/** Log lines that this process could not write, since it started. */
function lostLogLines(): ReturnType<typeof samples> {
  const lost = samples(
    {
      name: 'escudo_log_lines_lost',
      help: 'Log lines that could not be written, by reason: the code of the system, or STALLED.',
      type: 'counter',
      labels: ['reason'],
    },
    LOSS_REASONS.length,
  )
  for (const [reason, count] of lostLines()) lost.seriesFor([reason]).value = count
  return lost
}
