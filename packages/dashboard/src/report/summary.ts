import type { BreakerHistory } from '../counts/breakers.ts'
import type { Cells } from '../counts/cells.ts'
import { type Count, Tally } from '../counts/tally.ts'
import type { LogFiles } from '../journal/log-files.ts'
import type { EngineJson } from './engine-json.ts'
import { type FileJson, filesJson } from './files-json.ts'
import { ANSWERED, EVERYTHING, type Selection, selects } from './selection.ts'
import {
  addSelected,
  type EntriesJson,
  type LatencyJson,
  requestsOf,
  Sum,
  selected,
  sumsBy,
  type TotalsJson,
} from './sums.ts'

/** The state of a breaker in the JSON API. */
export interface BreakerJson {
  readonly service: string
  readonly shield: string
  readonly policy: string
  /** The instance of the service, if its lines name one. */
  readonly instance?: string
  readonly state: string
  readonly since: string | null
  readonly transitions: number
}

/** A route of a service in the JSON API. */
export interface RouteJson extends EntriesJson {
  readonly service: string
  /** As logged, or the path with ids replaced by `{id}`. Null for requests without a path. */
  readonly route: string | null
}

/** The result of `GET /api/summary` and `--once --json`. */
export interface Summary {
  readonly requests: number
  readonly client_errors: number
  readonly server_errors: number
  /** Null when no request has a latency. Percentiles are within 1 %. */
  readonly latency_ms: LatencyJson
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
  /** The routes of each service, the busiest first; hops included, health checks not. */
  readonly by_route: readonly RouteJson[]
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
  /** Bytes of older lines in large files, which are read last: read so far, and in total. Both are 0 once all were read. */
  readonly progress: { readonly read: number; readonly all: number }
  /** The log engine; undefined for files. */
  readonly engine?: EngineJson
}

/** The figures of a set of requests. */
export type Figures = Omit<Summary, 'by_route' | 'breakers' | 'lines' | 'files' | 'progress' | 'engine'>

/** The figures of the span before the range. */
export type Before = EntriesJson & Pick<Figures, 'events'>

/** A range of time in milliseconds since 1970. It excludes `to`. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** Summarizes all files together: the given range, or everything read, however old. */
export function summarize(files: LogFiles, range?: Range): Summary {
  const { cells, breakers } = files.journal
  const tally = tallyOf(files, range)
  return {
    ...figures(tally, cells),
    by_route: routesOf(tally, cells),
    breakers: breakers.all.map(breakerJson),
    lines: linesOf(files),
    files: filesJson(files, files.journal.clock()),
    progress: files.backfilling,
  }
}

/** Counts the lines of all files. */
export function linesOf(files: LogFiles): Summary['lines'] {
  const lines = { read: 0, recognised: 0, malformed: 0, late: 0, ahead: 0, untimed: 0 }
  for (const { log } of files.all) {
    lines.read += log.facts.read
    lines.recognised += log.facts.recognised
    lines.malformed += log.facts.malformed
    lines.late += log.facts.late
    lines.ahead += log.facts.ahead
    lines.untimed += log.facts.untimed
  }
  return lines
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

/** Computes the figures of a tally: of the requests that a selection includes. */
export function figures(tally: Tally, cells: Cells, selection: Selection = EVERYTHING): Figures {
  const all = new Sum()
  const byStatus = new Map<number, number>()
  const byCode = new Map<string, number>()
  const kinds = { business: 0, technical: 0 }
  for (const cell of selected(tally, cells, selection)) {
    addSelected(all, cell)
    const { status, code, kind } = cell.key
    const requests = requestsOf(cell)
    if (status === undefined || requests === 0) continue
    increase(byStatus, status, requests)
    if (status < 400) continue
    increase(byCode, code ?? `HTTP ${status}`, requests)
    kinds[kind ?? 'technical'] += requests
  }
  const apart = (counts: ReadonlyMap<number, Count> | undefined): TotalsJson =>
    apartOf(counts ?? new Map(), cells, selection).json
  const withoutHops = { ...selection, hops: false, probes: false }
  const byService = sumsBy(selected(tally, cells, selection), ({ service }) => service)
  return {
    ...all.withPercentiles,
    entries: (selection.hops ? sumOf(tally, cells, withoutHops) : all).withPercentiles,
    hops: apart(tally.hops),
    probes: apart(tally.probes),
    by_status: Object.fromEntries([...byStatus].sort(([a], [b]) => a - b)),
    // fromEntries defines own keys, so a service named __proto__ is safe.
    by_error_code: Object.fromEntries([...byCode].sort(([, a], [, b]) => b - a)),
    by_kind: kinds,
    by_service: Object.fromEntries([...byService].map(([service, sum]) => [service, sum.json])),
    events: eventsOf(tally, cells, selection),
  }
}

/** Computes what the page compares with. It needs less than {@link figures}. */
export function beforeOf(tally: Tally, cells: Cells, selection: Selection): Before {
  return { ...sumOf(tally, cells, selection).withPercentiles, events: eventsOf(tally, cells, selection) }
}

/** Adds up the requests that a selection includes. */
function sumOf(tally: Tally, cells: Cells, selection: Selection): Sum {
  const sum = new Sum()
  for (const cell of selected(tally, cells, selection)) addSelected(sum, cell)
  return sum
}

function apartOf(counts: ReadonlyMap<number, Count>, cells: Cells, selection: Selection): Sum {
  const sum = new Sum()
  for (const [number, count] of counts) {
    const key = cells.key(number)
    if (key.type === 'request' && selects(selection, key)) sum.add(key.status, count)
  }
  return sum
}

function eventsOf(tally: Tally, cells: Cells, selection: Selection): Readonly<Record<string, number>> {
  const events = new Map<string, number>()
  for (const [number, { count }] of tally.cells) {
    const key = cells.key(number)
    if (key.type === 'event' && selects(selection, key)) increase(events, key.name, count)
  }
  return Object.fromEntries(events)
}

/** Adds up what each route answered, the busiest first. */
export function routesOf(tally: Tally, cells: Cells): readonly RouteJson[] {
  const keys = new Map<string, { readonly service: string; readonly route: string | null }>()
  const sums = sumsBy(selected(tally, cells, ANSWERED), ({ service, route }) => {
    const name = `${service}\u0000${route}`
    if (!keys.has(name)) keys.set(name, { service, route: route ?? null })
    return name
  })
  return [...sums]
    .filter(([, { requests }]) => requests > 0)
    .sort(([, a], [, b]) => b.requests - a.requests)
    .flatMap(([name, sum]) => {
      const key = keys.get(name)
      return key === undefined ? [] : [{ ...key, ...sum.withPercentiles }]
    })
}

function increase<K>(counts: Map<K, number>, key: K, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by)
}

/** Describes a breaker. */
export function breakerJson(breaker: BreakerHistory): BreakerJson {
  return {
    service: breaker.service,
    shield: breaker.shield,
    policy: breaker.policy,
    ...(breaker.instance === undefined ? {} : { instance: breaker.instance }),
    state: breaker.state,
    since: breaker.since === undefined ? null : new Date(breaker.since).toISOString(),
    transitions: breaker.transitions,
  }
}
