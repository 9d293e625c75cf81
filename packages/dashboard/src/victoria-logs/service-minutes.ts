import { ANSWERED } from '../report/selection.ts'
import type { Minute } from '../verdict/situation.ts'
import type { EngineClient, Row } from './engine-client.ts'
import { selectionPipes } from './engine-columns.ts'
import { RowNames } from './engine-counts.ts'
import type { EngineFields } from './engine-fields.ts'
import { percentileOf } from './engine-histogram.ts'
import { slowerThan, validLatencyPipe } from './engine-latency.ts'
import { quoted, timeFilter } from './logsql.ts'

export const MINUTE_MS = 60_000
/** So many minutes of each service are kept. */
const MINUTES = 64
const HASTY_MINUTES = 15
/** Lines that arrive so late are still counted. */
const LATE_MINUTES = 2
/** The last minute may contain lines that are a little ahead. */
const AHEAD_MS = 5_001
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

  /** Counts up to a moment. Requests slower than `slowerThanMs` are slow. In haste it counts fewer minutes, until the next time. */
  async countTo(
    now: number,
    slowerThanMs: number | undefined,
    probes: readonly string[],
    isHasty: boolean,
  ): Promise<void> {
    const end = Math.floor(now / MINUTE_MS) * MINUTE_MS + MINUTE_MS
    const first = end - (isHasty ? HASTY_MINUTES : MINUTES) * MINUTE_MS
    // The clock may have been set back since.
    const from = Math.max(first, Math.min(this.#countedTo, end) - LATE_MINUTES * MINUTE_MS)
    const answers = await this.#ask(`${timeFilter(from, end + AHEAD_MS)} ${this.#fields.request}`, slowerThanMs, probes)
    for (const minutes of this.#byService.values()) for (const at of minutes.keys()) if (at >= from) minutes.delete(at)
    this.#add(answers)
    for (const minutes of this.#byService.values()) {
      const newest = Math.max(...minutes.keys())
      for (const at of minutes.keys()) if (at <= newest - MINUTES * MINUTE_MS) minutes.delete(at)
    }
    this.#countedTo = isHasty ? 0 : end
  }

  /** Counts the last hour of a service that is silent for longer. */
  async countEarlier(
    service: string,
    lastLineAt: number,
    slowerThanMs: number | undefined,
    probes: readonly string[],
  ): Promise<void> {
    const time = timeFilter(lastLineAt - MINUTES * MINUTE_MS, lastLineAt + 1)
    const filter = `${time} ${this.#fields.service}:=${quoted(service)} ${this.#fields.request}`
    this.#add(await this.#ask(filter, slowerThanMs, probes))
  }

  async #ask(
    filter: string,
    slowerThanMs: number | undefined,
    probes: readonly string[],
  ): Promise<readonly (readonly Row[])[]> {
    const slow = slowerThanMs === undefined ? undefined : this.#slowFilter(slowerThanMs)
    const queries = this.#queries(slow, probes)
    return await Promise.all(queries.map(async (query) => await this.#client.rows(`${filter}${query}`)))
  }

  #add([counts, bad, last]: readonly (readonly Row[])[]): void {
    const names = new RowNames(this.#fields)
    for (const row of counts ?? []) this.#addCounts(row, names)
    for (const row of bad ?? []) this.#addTimes(row, names)
    for (const row of last ?? []) {
      const at = Date.parse(row['last'] ?? '')
      const minute = this.#minuteOf(names.service(row), Math.floor(at / MINUTE_MS) * MINUTE_MS)
      if (minute !== undefined && minute.requests > 0) minute.lastAt = at
    }
  }

  /** Counts everything again. Call it when storage nodes are missing or back. */
  forget(): void {
    this.#countedTo = 0
  }

  #slowFilter(slowerThanMs: number): string {
    return `${slowerThan(this.#fields, slowerThanMs)} !${this.#fields.status}:range[500, 599]`
  }

  /** Three queries, because the times of all requests take longer to compare than those of the bad ones. */
  #queries(slow: string | undefined, probes: readonly string[]): readonly string[] {
    const { service, status, latency } = this.#fields
    const selected = selectionPipes(this.#fields, ANSWERED, { probes, hopServices: new Set() })
    const pipes = selected === '' ? '' : ` | ${selected}`
    const slowCount = slow === undefined ? '' : `, count() if (${slow}) as w`
    const bad = `${status}:range[500, 599] or degraded:=true${slow === undefined ? '' : ` or (${slow})`}`
    return [
      `${pipes} | ${validLatencyPipe(this.#fields)} | stats by (_time:1m, ${service}) count() as n, count() if (${status}:range[500, 599]) as f, ` +
        `count() if (${status}:range[400, 499]) as c, count() if (degraded:=true) as d, histogram(${latency}) as h${slowCount}`,
      ` (${bad})${pipes} | stats by (_time:1m, ${service}) min(_time) if (${status}:range[500, 599]) as ff, max(_time) if (${status}:range[500, 599]) as fl, ` +
        `min(_time) if (!${status}:range[500, 599] or degraded:=true) as bf`,
      `${pipes} | stats by (${service}) max(_time) as last`,
    ]
  }

  #addCounts(row: Row, names: RowNames): void {
    const at = Date.parse(row['_time'] ?? '')
    const minute = this.#minuteOf(names.service(row), at)
    if (minute === undefined) return
    minute.requests = Number(row['n'])
    minute.failures = Number(row['f'])
    minute.clientErrors = Number(row['c'])
    minute.degraded = Number(row['d'])
    minute.slow = Number(row['w'] ?? 0)
    minute.firstAt = at
    minute.lastAt = at + MINUTE_MS - 1
    const p95 = percentileOf(row['h'] ?? '', 0.95)
    minute.p95Ms = p95 === null ? null : p95 * this.#fields.latencyFactor
  }

  #addTimes(row: Row, names: RowNames): void {
    const minute = this.#minuteOf(names.service(row), Date.parse(row['_time'] ?? ''))
    if (minute === undefined) return
    minute.firstFailureAt = timeIn(row['ff'])
    minute.lastFailureAt = timeIn(row['fl'])
    minute.firstBadAt = timeIn(row['bf'])
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

function timeIn(text: string | undefined): number | undefined {
  const at = Date.parse(text ?? '')
  return Number.isNaN(at) ? undefined : at
}
