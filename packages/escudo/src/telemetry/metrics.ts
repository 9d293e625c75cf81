import { knownKeys, wholeNumber } from '../core/options/options.ts'
import { registeredShields } from '../core/registry.ts'
import { prefersType } from '../errors/contract/negotiation.ts'
import { samples, writeFamilies } from './metrics/families.ts'
import { HttpMetrics } from './metrics/http-metrics.ts'
import { PolicyMetrics } from './metrics/policy-metrics.ts'
import { CONTENT_TYPES, type TextFormat } from './metrics/text.ts'

/** Options of {@link createMetrics}. */
export interface MetricsOptions {
  /**
   * How many series a metric may have, 1 to 100 000; a histogram counts as one. Default 2000. What comes beyond is
   * folded into one series with the label `otel_metric_overflow="true"`, and `escudo_metrics_folded_total` counts it.
   */
  readonly maxSeries?: number
  /** Whether each latency bucket remembers the trace of its latest sampled request, for OpenMetrics. Default true. */
  readonly exemplars?: boolean
}

/** One scrape: what to answer to Prometheus. */
export interface MetricsPage {
  /** For the `Content-Type` header. */
  readonly contentType: string
  readonly body: string
}

/** The metrics of this process. Made by {@link createMetrics}. */
export interface Metrics {
  /**
   * All series as they are at this moment: nothing is counted while the text is written, so that counts and buckets
   * agree with each other.
   *
   * @param accept the request's `Accept` header: who prefers OpenMetrics gets it, with exemplars; all others get
   * Prometheus' own text
   */
  scrape(accept?: string): MetricsPage
  /** Ends the counting; {@link scrape} goes on showing what was counted. Harmless when it has ended. */
  close(): void
}

/**
 * Counts what this process does, for Prometheus: requests that an adapter serves, attempts that `resilientFetch` sends,
 * and what the policies of every shield do. Make one when the program starts: only what happens later is counted, and
 * while there is none, counting costs nothing.
 *
 * Names of the HTTP metrics after OpenTelemetry's semantic conventions; text after Prometheus' exposition format 0.0.4
 * and OpenMetrics 1.0.0. All names, labels and outcomes are in docs/telemetry.md.
 *
 * @throws ConfigurationError for an option that cannot work
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
    this.#http = new HttpMetrics(maxSeries, options.exemplars ?? true)
    this.#policies = new PolicyMetrics(maxSeries)
  }

  scrape(accept?: string): MetricsPage {
    const format: TextFormat = prefersType(accept, OPENMETRICS, PLAIN) ? 'openmetrics' : 'prometheus'
    const shields = registeredShields()
    // Before anything is written: reading a breaker's state lets time pass in it, which may be a change to count.
    const gauges = this.#policies.gauges(shields)
    this.#policies.prepare(shields)
    const bounded = [...this.#http.families, ...this.#policies.counters]
    const folded = samples(
      {
        name: 'escudo_metrics_folded',
        help: 'Measurements whose series found no place any more.',
        type: 'counter',
        labels: ['metric'],
      },
      bounded.length,
    )
    for (const { facts, foldedCount } of bounded) {
      folded.at([facts.type === 'counter' ? `${facts.name}_total` : facts.name]).value = foldedCount
    }
    return { contentType: CONTENT_TYPES[format], body: writeFamilies([...bounded, ...gauges, folded], format) }
  }

  close(): void {
    this.#http.close()
    this.#policies.close()
  }
}
