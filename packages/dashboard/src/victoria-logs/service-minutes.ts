import { LatencyHistogram } from '../counts/latency-histogram.ts'
import { ANSWERED } from '../report/selection.ts'
import type { Minute } from '../verdict/situation.ts'
import type { EngineClient, Row } from './engine-client.ts'
import { selectionPipes } from './engine-columns.ts'
import { RowNames } from './engine-counts.ts'
import type { EngineFields } from './engine-fields.ts'
import { BUCKET, bucketOf, bucketPipe } from './latency-bucket.ts'
import { timeFilter } from './logsql.ts'

export const MINUTE_MS = 60_000
/** So many minutes of each service are kept. */
const MINUTES = 64
/** Lines that arrive so late are still counted. */
const LATE_MINUTES = 2
const WIDTH = 5
/** The most services. */
const SERVICES_MAX = 500

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** The minutes of each service, up to now. Only the newest are asked for again. */
export class ServiceMinutes {
  readonly #client: EngineClient
  readonly #fields: EngineFields
  readonly #byService = new Map<string, Map<number, Minute>>()
  #countedTo = 0

  constructor(client: EngineClient, fields: EngineFields) {
    this.#client = client
    this.#fields = fields
  }

  /** The names of the services that had requests. */
  get services(): readonly string[] {
    return [...this.#byService.keys()]
  }

  /** The minutes of a service with requests or fallbacks, oldest first. */
  of(service: string): readonly Minute[] {
    return [...(this.#byService.get(service)?.values() ?? [])].sort((a, b) => a.at - b.at)
  }

  /** Counts up to a moment. Requests slower than `slowerThanMs` are slow. */
  async countTo(now: number, slowerThanMs: number | undefined, probes: readonly string[]): Promise<void> {
    const end = Math.floor(now / MINUTE_MS) * MINUTE_MS + MINUTE_MS
    const hour = end - MINUTES * MINUTE_MS
    const from = Math.max(hour, this.#countedTo - LATE_MINUTES * MINUTE_MS)
    // The last minute may contain lines that are a little ahead.
    const rows = await this.#client.rows(this.#query(from, end + 5_000, slowerThanMs, probes))
    for (const minutes of this.#byService.values()) for (const at of minutes.keys()) if (at >= from) minutes.delete(at)
    const names = new RowNames(this.#fields)
    const histograms = new Map<Minute, LatencyHistogram>()
    for (const row of rows) this.#add(row, names, histograms)
    for (const [minute, histogram] of histograms)
      (minute as Mutable<Minute>).p95Ms = histogram.total === 0 ? null : histogram.percentile(0.95)
    for (const minutes of this.#byService.values()) {
      const newest = Math.max(...minutes.keys())
      for (const at of minutes.keys()) if (at <= newest - MINUTES * MINUTE_MS) minutes.delete(at)
    }
    this.#countedTo = end
  }

  /** Counts everything again. Call it when storage nodes are missing or back. */
  forget(): void {
    this.#countedTo = 0
  }

  #query(from: number, to: number, slowerThanMs: number | undefined, probes: readonly string[]): string {
    const { request, service, status, latency, latencyFactor } = this.#fields
    const failed = `if (${status}:>=500)`
    const slow =
      slowerThanMs === undefined
        ? ''
        : `, count() if (${latency}:>${slowerThanMs / latencyFactor} !${status}:>=500) as w, min(_time) if (${latency}:>${slowerThanMs / latencyFactor} !${status}:>=500) as wf`
    return [
      `${timeFilter(from, to)} ${request}`,
      selectionPipes(this.#fields, ANSWERED, { probes, hopServices: new Set() }),
      bucketPipe(this.#fields, WIDTH),
      `stats by (_time:1m, ${service}, ${BUCKET}) count() as n, count(${latency}) as l, count() ${failed} as f, ` +
        `count() if (${status}:>=400 ${status}:<500) as c, count() if (degraded:=true) as d, min(_time) as first, max(_time) as last, ` +
        `min(_time) ${failed} as ff, max(_time) ${failed} as fl, min(_time) if (degraded:=true) as df${slow}`,
    ]
      .filter((part) => part !== '')
      .join(' | ')
  }

  #add(row: Row, names: RowNames, histograms: Map<Minute, LatencyHistogram>): void {
    const at = Date.parse(row['_time'] ?? '')
    const minute = this.#minuteOf(names.service(row), at)
    if (minute === undefined) return
    minute.requests += Number(row['n'])
    minute.failures += Number(row['f'])
    minute.clientErrors += Number(row['c'])
    minute.degraded += Number(row['d'])
    minute.slow += Number(row['w'] ?? 0)
    minute.firstAt = Math.min(minute.firstAt, Date.parse(row['first'] ?? ''))
    minute.lastAt = Math.max(minute.lastAt, Date.parse(row['last'] ?? ''))
    minute.firstFailureAt = earlier(minute.firstFailureAt, row['ff'])
    minute.lastFailureAt = later(minute.lastFailureAt, row['fl'])
    minute.firstBadAt = earlier(earlier(minute.firstBadAt, row['df']), row['wf'])
    let histogram = histograms.get(minute)
    if (histogram === undefined) {
      histogram = new LatencyHistogram()
      histograms.set(minute, histogram)
    }
    histogram.addMany(bucketOf(row[BUCKET], WIDTH), Number(row['l']))
  }

  /** Adds answers by a fallback, as its own lines tell them. */
  addFallbacks(service: string, at: number, count: number): void {
    const minute = this.#minuteOf(service, Math.floor(at / MINUTE_MS) * MINUTE_MS)
    if (minute === undefined || count <= minute.degraded) return
    minute.degraded = count
    minute.firstBadAt = Math.min(minute.firstBadAt ?? Number.POSITIVE_INFINITY, at)
    minute.lastAt = Math.max(minute.lastAt, at)
    minute.firstAt = Math.min(minute.firstAt, at)
  }

  #minuteOf(service: string, at: number): Mutable<Minute> | undefined {
    let minutes = this.#byService.get(service)
    if (minutes === undefined) {
      if (this.#byService.size >= SERVICES_MAX) return undefined
      minutes = new Map()
      this.#byService.set(service, minutes)
    }
    let minute = minutes.get(at)
    if (minute === undefined) {
      const counts = { requests: 0, failures: 0, clientErrors: 0, degraded: 0, slow: 0, p95Ms: null }
      const times = { firstAt: Number.POSITIVE_INFINITY, lastAt: Number.NEGATIVE_INFINITY }
      minute = { at, ...counts, ...times, firstFailureAt: undefined, lastFailureAt: undefined, firstBadAt: undefined }
      minutes.set(at, minute)
    }
    return minute
  }
}

function earlier(at: number | undefined, text: string | undefined): number | undefined {
  const other = Date.parse(text ?? '')
  return Number.isNaN(other) ? at : Math.min(at ?? other, other)
}

function later(at: number | undefined, text: string | undefined): number | undefined {
  const other = Date.parse(text ?? '')
  return Number.isNaN(other) ? at : Math.max(at ?? other, other)
}
