import type { BreakerHistory } from '../counts/breakers.ts'
import type { Cells } from '../counts/cells.ts'
import { LatencyHistogram } from '../counts/latency-histogram.ts'
import { type Count, Tally } from '../counts/timeline.ts'
import type { LogFiles } from '../journal/log-files.ts'
import { type FileJson, filesJson } from './files-json.ts'

/** The totals of a set of requests in the JSON API. */
export interface TotalsJson {
  readonly requests: number
  readonly client_errors: number
  readonly server_errors: number
  /** Null when no request has a latency. */
  readonly latency_ms: { readonly mean: number | null }
}

/** The state of a breaker in the JSON API. */
export interface BreakerJson {
  readonly service: string
  readonly shield: string
  readonly policy: string
  readonly state: string
  readonly since: string | null
  readonly transitions: number
}

/** The totals of the requests that users sent. They are all requests without hops and health checks. */
export interface EntriesJson extends Omit<TotalsJson, 'latency_ms'> {
  readonly latency_ms: Summary['latency_ms']
}

/** The result of `GET /api/summary` and `--once --json`. */
export interface Summary {
  readonly requests: number
  readonly client_errors: number
  readonly server_errors: number
  /** Null when no request has a latency. Percentiles are within 1 %. */
  readonly latency_ms: {
    readonly mean: number | null
    readonly p50: number | null
    readonly p95: number | null
    readonly p99: number | null
  }
  /** Requests that users sent. */
  readonly entries: EntriesJson
  /** Requests that one known service sent to another. */
  readonly hops: TotalsJson
  /** Health checks and scrapes. */
  readonly probes: TotalsJson
  readonly by_status: Readonly<Record<string, number>>
  /** Requests with a status of 400 or more, by error code; without a code, by status, such as `HTTP 503`. */
  readonly by_error_code: Readonly<Record<string, number>>
  readonly by_kind: { readonly business: number; readonly technical: number }
  readonly by_service: Readonly<Record<string, TotalsJson>>
  /** Events of policies, such as `retry.attempt` or `fallback`. */
  readonly events: Readonly<Record<string, number>>
  readonly breakers: readonly BreakerJson[]
  readonly lines: {
    readonly read: number
    readonly recognised: number
    readonly malformed: number
    readonly late: number
    /** Lines dated more than 5 s ahead of the clock. */
    readonly ahead: number
    readonly untimed: number
  }
  readonly files: readonly FileJson[]
}

/** A range of time in milliseconds since 1970. It excludes `to`. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** Summarizes all files together: the given range, or everything read, however old. */
export function summarize(files: LogFiles, range?: Range): Summary {
  const { cells, breakers } = files.journal
  const lines = { read: 0, recognised: 0, malformed: 0, late: 0, ahead: 0, untimed: 0 }
  for (const { log } of files.all) {
    lines.read += log.facts.read
    lines.recognised += log.facts.recognised
    lines.malformed += log.facts.malformed
    lines.late += log.facts.late
    lines.ahead += log.facts.ahead
    lines.untimed += log.facts.untimed
  }
  return {
    ...figures(tallyOf(files, range), cells),
    breakers: breakers.all.map(breakerJson),
    lines,
    files: filesJson(files, files.journal.clock()),
  }
}

/** Merges all counts of a range, or of everything. The range is rounded outwards to whole slots. */
export function tallyOf(files: LogFiles, range?: Range): Tally {
  const tally = new Tally()
  for (const timeline of files.timelines) {
    if (range === undefined) tally.merge(timeline.total)
    else {
      const stepMs = timeline.stepFor(range.from, range.to)
      for (const [, slot] of timeline.between(stepMs, range.from, range.to)) tally.merge(slot)
    }
  }
  return tally
}

/** Computes the figures of a tally. */
export function figures(tally: Tally, cells: Cells): Omit<Summary, 'breakers' | 'lines' | 'files'> {
  const all = emptyTotals()
  const byStatus = new Map<number, number>()
  const byCode = new Map<string, number>()
  const byService = new Map<string, Totals>()
  const events = new Map<string, number>()
  const apart = { hop: emptyTotals(), probe: emptyTotals() }
  const kinds = { business: 0, technical: 0 }
  for (const [number, count] of tally.cells) {
    const key = cells.key(number)
    if (key.type === 'event') {
      increase(events, key.name, count.count)
      continue
    }
    const { status } = key
    if (key.type === 'apart') {
      increaseTotals(apart[key.kind], status, count)
      continue
    }
    let serviceTotals = byService.get(key.service)
    if (serviceTotals === undefined) {
      serviceTotals = emptyTotals()
      byService.set(key.service, serviceTotals)
    }
    for (const totals of [all, serviceTotals]) increaseTotals(totals, status, count)
    if (status === undefined) continue
    increase(byStatus, status, count.count)
    if (status < 400) continue
    increase(byCode, key.code ?? `HTTP ${status}`, count.count)
    kinds[key.kind ?? 'technical'] += count.count
  }
  return {
    requests: all.requests,
    client_errors: all.clientErrors,
    server_errors: all.serverErrors,
    latency_ms: {
      mean: meanOf(all),
      p50: tally.latency.percentile(0.5),
      p95: tally.latency.percentile(0.95),
      p99: tally.latency.percentile(0.99),
    },
    entries: entriesOf(all, [apart.hop, apart.probe], tally),
    hops: json(apart.hop),
    probes: json(apart.probe),
    by_status: Object.fromEntries([...byStatus].sort(([a], [b]) => a - b)),
    // fromEntries defines own keys, so a service named __proto__ is safe.
    by_error_code: Object.fromEntries([...byCode].sort(([, a], [, b]) => b - a)),
    by_kind: kinds,
    by_service: Object.fromEntries([...byService].map(([service, totals]) => [service, json(totals)])),
    events: Object.fromEntries(events),
  }
}

interface Totals {
  requests: number
  clientErrors: number
  serverErrors: number
  latencyMsSum: number
  latencies: number
}

function emptyTotals(): Totals {
  return { requests: 0, clientErrors: 0, serverErrors: 0, latencyMsSum: 0, latencies: 0 }
}

function increase<K>(counts: Map<K, number>, key: K, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by)
}

function increaseTotals(totals: Totals, status: number | undefined, count: Count): void {
  totals.requests += count.count
  if (status !== undefined && status >= 500) totals.serverErrors += count.count
  else if (status !== undefined && status >= 400) totals.clientErrors += count.count
  totals.latencyMsSum += count.latencyMsSum
  totals.latencies += count.latencies
}

function entriesOf(all: Totals, others: readonly Totals[], tally: Tally): EntriesJson {
  const rest = { ...all }
  for (const totals of others) for (const key of Object.keys(rest) as (keyof Totals)[]) rest[key] -= totals[key]
  const latency = new LatencyHistogram()
  latency.merge(tally.latency)
  if (tally.apart !== undefined) latency.subtract(tally.apart)
  const { requests, client_errors, server_errors, latency_ms } = json(rest)
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => latency.percentile(share))
  return {
    requests,
    client_errors,
    server_errors,
    latency_ms: { mean: latency_ms.mean, p50: p50 ?? null, p95: p95 ?? null, p99: p99 ?? null },
  }
}

function meanOf(totals: Totals): number | null {
  return totals.latencies === 0 ? null : totals.latencyMsSum / totals.latencies
}

function json(totals: Totals): TotalsJson {
  return {
    requests: totals.requests,
    client_errors: totals.clientErrors,
    server_errors: totals.serverErrors,
    latency_ms: { mean: meanOf(totals) },
  }
}

function breakerJson(breaker: BreakerHistory): BreakerJson {
  return {
    service: breaker.service,
    shield: breaker.shield,
    policy: breaker.policy,
    state: breaker.state,
    since: breaker.since === undefined ? null : new Date(breaker.since).toISOString(),
    transitions: breaker.transitions,
  }
}
