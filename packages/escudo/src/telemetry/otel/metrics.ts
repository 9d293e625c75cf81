import {
  type Attributes,
  metrics as api,
  type BatchObservableResult,
  createNoopMeter,
  type Meter,
  type MeterProvider,
  type Observable,
} from '@opentelemetry/api'
import { warn } from '../../core/events/events.ts'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { knownKeys } from '../../core/options/options.ts'
import type { FamilyFacts } from '../metrics/definitions.ts'
import { type Family, type HistogramFamily, OVERFLOW_LABEL, type Sample } from '../metrics/families.ts'
import { Histogram, type Recorder } from '../metrics/histogram.ts'
import type { MetricsSource } from '../metrics/source.ts'
import { createMetrics, type Metrics, sourceOf } from '../metrics.ts'

/** Options of {@link recordMetrics}. */
export interface OtelMetricsOptions {
  /**
   * What is recorded. Default: new metrics, which are closed with the recording. Pass your own to serve the same numbers
   * to Prometheus, or to set `maxSeries`.
   */
  readonly metrics?: Metrics
  /** Default: the global provider, which the SDK sets when it starts. */
  readonly meterProvider?: MeterProvider
}

const PATH = 'recordMetrics'
const SCOPE = 'escudo'
/** Attributes that are numbers in the semantic conventions. */
const NUMBERS: ReadonlySet<string> = new Set(['http.response.status_code', 'server.port'])
const OVERFLOW: Attributes = { [OVERFLOW_LABEL]: true }

/** The providers that record already: a second recording would count every measurement twice. */
const recording = new WeakSet<MeterProvider>()

/**
 * Records the metrics of this process through OpenTelemetry's meters.
 *
 * They are the metrics of `createMetrics`, with the names in docs/telemetry.md. The SDK reads counters and gauges when it
 * collects; only the measurements of histograms are recorded when they happen. Start the SDK first: the API has no way to
 * move instruments to a provider that is set later. Without an SDK, a warning with the code `ESCUDO_OTEL` is printed.
 *
 * HTTP names follow OpenTelemetry's semantic conventions; the other names follow the style of its instrumentation of
 * Failsafe.
 *
 * @returns a function that stops the recording. `close()` of the metrics stops it, too
 * @throws ConfigurationError for an invalid option, and if the provider records the metrics of this process already
 * @example
 * ```ts
 * import { retry, shield } from 'escudo'
 * import { recordMetrics } from 'escudo/otel'
 * import { createMetrics } from 'escudo/telemetry'
 *
 * const metrics = createMetrics()
 * const stop = recordMetrics({ metrics })
 * await shield('inventory', retry()).run(() => 42)
 * // escudo.retry.execution.count { escudo.shield: 'inventory', escudo.policy: 'retry', outcome: 'successful_without_retry' } 1
 * stop()
 * metrics.close()
 * ```
 */
export function recordMetrics(options: OtelMetricsOptions = {}): () => void {
  knownKeys(options, PATH, ['metrics', 'meterProvider'])
  const provider = options.meterProvider ?? api.getMeterProvider()
  if (typeof provider?.getMeter !== 'function') {
    throw new ConfigurationError(`${PATH}.meterProvider`, `expected a MeterProvider, got ${show(provider)}`)
  }
  if (recording.has(provider)) {
    throw new ConfigurationError(
      `${PATH}.meterProvider`,
      'it records the metrics of this process already; stop that recording first',
    )
  }
  const given = options.metrics === undefined ? undefined : checkedSource(options.metrics)
  const meter = provider.getMeter(SCOPE)
  if (meter.constructor === createNoopMeter().constructor) {
    warn('no MeterProvider is set, so no metrics are recorded; start the SDK before recordMetrics()', 'ESCUDO_OTEL')
    return () => {}
  }
  const own = given === undefined ? createMetrics() : undefined
  const source = given ?? checkedSource(own as Metrics)
  let stopRecording: () => void
  try {
    stopRecording = record(source, meter)
  } catch (error) {
    own?.close()
    throw error
  }
  recording.add(provider)
  const stop = (): void => {
    if (!source.removeOnClosed(stop)) return
    stopRecording()
    recording.delete(provider)
    own?.close()
  }
  source.onClosed(stop)
  return stop
}

function checkedSource(metrics: Metrics): MetricsSource {
  const source = sourceOf(metrics)
  if (source !== undefined) return source
  throw new ConfigurationError(`${PATH}.metrics`, `expected the result of createMetrics(), got ${show(metrics)}`)
}

const nameOf = ({ otel }: FamilyFacts): string => otel.name

function record(source: MetricsSource, meter: Meter): () => void {
  // A meter may throw. Nothing is recorded until it has made all instruments.
  const recordings = source.histograms.map((family) => ({ family, recorder: recorderOf(family, meter) }))
  const observables = new Map<string, Observable>()
  for (const { facts } of source.collect(nameOf)) {
    if (facts.type !== 'histogram') observables.set(facts.name, observableOf(facts, meter))
  }
  const gone = new GoneSeries()
  const observe = (result: BatchObservableResult): void => {
    for (const family of source.collect(nameOf)) {
      const observable = observables.get(family.facts.name)
      if (observable !== undefined) observeFamily(family, observable, result, gone)
    }
  }
  const all = [...observables.values()]
  // One callback for all, so that one collection reads one state.
  meter.addBatchObservableCallback(observe, all)
  for (const { family, recorder } of recordings) family.recorders.list = [...family.recorders.list, recorder]
  return () => {
    for (const { family, recorder } of recordings)
      family.recorders.list = family.recorders.list.filter((other) => other !== recorder)
    meter.removeBatchObservableCallback(observe, all)
    const observeLast = (result: BatchObservableResult): void => {
      for (const observable of all) observeGone(observable, result, gone)
      // Later, because the SDK is going through the list of its callbacks.
      queueMicrotask(() => meter.removeBatchObservableCallback(observeLast, all))
    }
    meter.addBatchObservableCallback(observeLast, all)
  }
}

function observableOf({ type, help, otel: { name, unit } }: FamilyFacts, meter: Meter): Observable {
  const options = { description: help, unit }
  // A gauge of escudo can be added up over processes, so it is an UpDownCounter.
  if (type === 'gauge') return meter.createObservableUpDownCounter(name, options)
  return meter.createObservableCounter(name, options)
}

function observeFamily(
  family: Family<Sample | Histogram>,
  observable: Observable,
  result: BatchObservableResult,
  gone: GoneSeries,
): void {
  const { facts } = family
  for (const { text, values, series } of family.entries()) {
    if (series instanceof Histogram) continue
    const attributes = attributesOf(facts, values)
    if (facts.type === 'gauge') gone.seen(observable, text, attributes)
    result.observe(observable, series.value, attributes)
  }
  if (facts.type === 'gauge') observeGone(observable, result, gone)
}

function observeGone(observable: Observable, result: BatchObservableResult, gone: GoneSeries): void {
  for (const attributes of gone.take(observable)) result.observe(observable, 0, attributes)
}

/**
 * Finds the series of gauges that are no longer there, because their shield was garbage-collected or the recording has
 * stopped. The SDK would export their last value forever, so they are observed once more, as 0.
 */
class GoneSeries {
  readonly #before = new Map<Observable, Map<string, Attributes>>()
  readonly #now = new Map<Observable, Map<string, Attributes>>()

  seen(observable: Observable, text: string, attributes: Attributes): void {
    const now = this.#now.get(observable) ?? new Map()
    this.#now.set(observable, now)
    now.set(text, attributes)
  }

  take(observable: Observable): readonly Attributes[] {
    const now = this.#now.get(observable) ?? new Map<string, Attributes>()
    const before = this.#before.get(observable) ?? new Map<string, Attributes>()
    this.#before.set(observable, now)
    this.#now.delete(observable)
    return [...before].filter(([text]) => !now.has(text)).map(([, attributes]) => attributes)
  }
}

/** Makes a histogram of the meter, and what records a measurement of the family in it. */
function recorderOf({ facts, bounds }: HistogramFamily, meter: Meter): Recorder {
  const { name, unit } = facts.otel
  const advice = { explicitBucketBoundaries: [...bounds] }
  const histogram = meter.createHistogram(name, { description: facts.help, unit, advice })
  // One object for each series: building it would cost more than the measurement.
  const attributes = new WeakMap<Histogram, Attributes>()
  return (value, series) => {
    let of = attributes.get(series)
    if (of === undefined) {
      of = attributesOf(facts, series.values)
      attributes.set(series, of)
    }
    histogram.record(value, of)
  }
}

function attributesOf({ labels }: FamilyFacts, values: readonly (string | undefined)[] | undefined): Attributes {
  if (values === undefined) return OVERFLOW
  const attributes: Attributes = {}
  for (const [index, label] of labels.entries()) {
    const value = values[index]
    if (value !== undefined) attributes[label] = NUMBERS.has(label) ? Number(value) : value
  }
  return attributes
}
