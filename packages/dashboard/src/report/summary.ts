import type { BreakerLane } from '../counts/breakers.ts'
import type { Cells } from '../counts/cells.ts'
import { Tally } from '../counts/timeline.ts'
import type { LogFiles } from '../journal/log-files.ts'

/** The totals of some requests, as they leave the dashboard. */
export interface TotalsJson {
  readonly requests: number
  readonly client_errors: number
  readonly server_errors: number
  /** Null as long as no request told its latency. */
  readonly latency_ms: { readonly mean: number | null }
}

/** The state of a breaker, as it leaves the dashboard. */
export interface BreakerJson {
  readonly service: string
  readonly shield: string
  readonly policy: string
  readonly state: string
  readonly since: string | null
  readonly transitions: number
}

/** What `GET /api/summary` and `--once --json` give. */
export interface Summary {
  readonly requests: number
  readonly client_errors: number
  readonly server_errors: number
  /** Null as long as no request told its latency; percentiles within 1 %. */
  readonly latency_ms: {
    readonly mean: number | null
    readonly p50: number | null
    readonly p95: number | null
    readonly p99: number | null
  }
  readonly by_status: Readonly<Record<string, number>>
  /** Requests of 400 and more by the code that they named; those without one under `HTTP 503` and the like. */
  readonly by_error_code: Readonly<Record<string, number>>
  readonly by_kind: { readonly business: number; readonly technical: number }
  readonly by_service: Readonly<Record<string, TotalsJson>>
  /** What policies did: `retry.attempt`, `fallback`, … */
  readonly events: Readonly<Record<string, number>>
  readonly breakers: readonly BreakerJson[]
  readonly lines: {
    readonly read: number
    readonly malformed: number
    readonly late: number
    readonly untimed: number
  }
  readonly files: readonly { readonly path: string; readonly state: string; readonly restarts: number }[]
}

/** A stretch of time, in milliseconds since 1970; `to` is not in it. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** The summary of all files together: of the range, or without one of everything that was read, however old. */
export function summarize(files: LogFiles, range?: Range): Summary {
  const { cells, breakers } = files.journal
  const lines = { read: 0, malformed: 0, late: 0, untimed: 0 }
  for (const { log } of files.all) {
    lines.read += log.read
    lines.malformed += log.malformed
    lines.late += log.late
    lines.untimed += log.untimed
  }
  return {
    ...figures(tallyOf(files, range), cells),
    breakers: breakers.lanes.map(breakerJson),
    lines,
    files: files.all.map(({ tail }) => ({ path: tail.path, state: tail.state, restarts: tail.restarts })),
  }
}

/** All that was counted in the range, or at all. Its ends are rounded outwards to what is kept of that time. */
export function tallyOf(files: LogFiles, range?: Range): Tally {
  const tally = new Tally()
  for (const timeline of files.timelines) {
    if (range === undefined) tally.merge(timeline.total)
    else {
      const stepMs = timeline.stepFor(range.from)
      for (const [, slot] of timeline.between(stepMs, range.from, range.to)) tally.merge(slot)
    }
  }
  return tally
}

/** The figures of a tally. */
export function figures(tally: Tally, cells: Cells): Omit<Summary, 'breakers' | 'lines' | 'files'> {
  const all = noTotals()
  const byStatus = new Map<number, number>()
  const byCode = new Map<string, number>()
  const byService = new Map<string, Totals>()
  const events = new Map<string, number>()
  const kinds = { business: 0, technical: 0 }
  for (const [number, count] of tally.cells) {
    const key = cells.key(number)
    if (key.type === 'event') {
      raise(events, key.name, count.count)
      continue
    }
    const { status } = key
    let ofService = byService.get(key.service)
    if (ofService === undefined) {
      ofService = noTotals()
      byService.set(key.service, ofService)
    }
    for (const totals of [all, ofService]) {
      totals.requests += count.count
      if (status !== undefined && status >= 500) totals.serverErrors += count.count
      else if (status !== undefined && status >= 400) totals.clientErrors += count.count
      totals.latencyMsSum += count.latencyMsSum
      totals.latencies += count.latencies
    }
    if (status === undefined) continue
    raise(byStatus, status, count.count)
    if (status < 400) continue
    raise(byCode, key.code ?? `HTTP ${status}`, count.count)
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
    by_status: Object.fromEntries([...byStatus].sort(([a], [b]) => a - b)),
    // fromEntries defines its keys: a service named __proto__ is a key like any other.
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

function noTotals(): Totals {
  return { requests: 0, clientErrors: 0, serverErrors: 0, latencyMsSum: 0, latencies: 0 }
}

function raise<K>(counts: Map<K, number>, key: K, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by)
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

function breakerJson(lane: BreakerLane): BreakerJson {
  return {
    service: lane.service,
    shield: lane.shield,
    policy: lane.policy,
    state: lane.state,
    since: lane.since === undefined ? null : new Date(lane.since).toISOString(),
    transitions: lane.transitions,
  }
}
