import { registeredShields } from '../../core/registry.ts'
import { LOSS_REASONS, lostLines } from '../lost-lines.ts'
import { type FamilyFacts, FOLDED, LOST_LINES } from './definitions.ts'
import { type Family, HistogramFamily, type Sample, samples } from './families.ts'
import type { Histogram } from './histogram.ts'
import { HttpMetrics } from './http-metrics.ts'
import { policyGauges } from './policy-gauges.ts'
import { PolicyMetrics } from './policy-metrics.ts'

/**
 * The counters of a process. Each event is counted here, once.
 *
 * The faces, which are Prometheus' text, a registry of prom-client and OpenTelemetry's meters, read what is counted. Only
 * the histograms of OpenTelemetry are recorded again, because that API cannot observe a histogram.
 */
export class MetricsSource {
  readonly #maxSeries: number
  readonly #http: HttpMetrics
  readonly #policies: PolicyMetrics
  readonly #onClosed = new Set<() => void>()

  constructor(maxSeries: number, exemplars: boolean) {
    this.#maxSeries = maxSeries
    this.#http = new HttpMetrics(maxSeries, exemplars)
    this.#policies = new PolicyMetrics(maxSeries)
  }

  /** The histograms. Recorders can be added to them. */
  get histograms(): readonly HistogramFamily[] {
    return this.#bounded.filter((family) => family instanceof HistogramFamily)
  }

  /**
   * Reads all metrics as they are now. Nothing is counted meanwhile, so the values agree.
   *
   * @param nameOf the name of a metric on the face that reads, for the label of the folded measurements
   */
  collect(nameOf: (facts: FamilyFacts) => string): readonly Family<Sample | Histogram>[] {
    const shields = registeredShields()
    // Gauges first: reading the state of a breaker can change it (open to half-open), and the change must be counted.
    const gauges = policyGauges(shields, this.#maxSeries)
    this.#policies.prepare(shields)
    const bounded = this.#bounded
    const folded = samples(FOLDED, bounded.length)
    for (const { facts, foldedCount } of bounded) folded.seriesFor([nameOf(facts)]).value = foldedCount
    return [...bounded, ...gauges, lostLogLines(), folded]
  }

  /** Calls a function when the metrics are closed. */
  onClosed(listener: () => void): void {
    this.#onClosed.add(listener)
  }

  /** Removes such a function. Returns false if it was removed already. */
  removeOnClosed(listener: () => void): boolean {
    return this.#onClosed.delete(listener)
  }

  /** Stops counting, and removes the metrics from all faces but the text. */
  close(): void {
    this.#http.close()
    this.#policies.close()
    for (const listener of [...this.#onClosed]) listener()
    this.#onClosed.clear()
  }

  get #bounded(): readonly Family<Sample | Histogram>[] {
    return [...this.#http.families, ...this.#policies.families]
  }
}

/** Log lines that this process could not write, since it started. */
function lostLogLines(): Family<Sample> {
  const lost = samples(LOST_LINES, LOSS_REASONS.length)
  for (const [reason, count] of lostLines()) lost.seriesFor([reason]).value = count
  return lost
}
