import type { Cells } from '../counts/cells.ts'
import { latencyBands } from '../counts/latency-bands.ts'
import { Tally } from '../counts/tally.ts'
import type { Timeline } from '../counts/timeline.ts'
import type { ErrorLine } from '../journal/journal.ts'
import type { LogFiles } from '../journal/log-files.ts'
import { DEFAULT_THRESHOLDS, type Thresholds } from '../verdict/thresholds.ts'
import { type Calls, callsOf } from './calls.ts'
import type { EngineJson } from './engine-json.ts'
import { type CauseTrace, type ErrorGroupsJson, errorGroupsOf, latestErrors, tracesOf } from './errors.ts'
import type { Health } from './health.ts'
import { type Lane, lanesOf } from './lanes.ts'
import { RANGES, ZOOM_STEPS_S } from './ranges.ts'
import { ENTRIES, type Selection, selects } from './selection.ts'
import { type Sources, sourcesOf } from './sources.ts'
import { type Before, beforeOf, type Figures, figures, linesOf, type Range, type Summary, tallyOf } from './summary.ts'
import { addSelected, answeredBy, requestsOf, Sum, selected } from './sums.ts'
import { type Tables, tablesOf } from './tables.ts'

/** The most statuses that a column counts apart. The rarer ones are counted together, as status 0. */
const CODES_PER_COLUMN_MAX = 12
/** The most rows of each table. */
const ROWS_MAX = 50
/** The most columns of a zoomed range. */
const COLUMNS_MAX = 180

/** One chart column: start time, requests below 400, 4xx, 5xx, latencies in ms, retries, and requests by status. */
export type Column = readonly [
  at: number,
  good: number,
  client: number,
  server: number,
  p50: number | null,
  p95: number | null,
  p99: number | null,
  retries: number,
  mean: number | null,
  /** Pairs of a status and its requests. Status 0 is all others, and requests without a status. */
  codes: readonly number[],
  /** Pairs of a band of latencies and its requests. Undefined where the source does not count them. */
  bands?: readonly number[],
]

/** What tells the time of the newest line. */
interface Newest {
  readonly timelines: readonly Pick<Timeline, 'newest'>[]
}

/** The parts of the page's data. Each is sent when it has changed. */
export interface Parts {
  readonly range: Range & {
    readonly seconds: number
    readonly stepMs: number
    /** Whether it is the range that was asked for; otherwise it ends at the newest line, because that is old. */
    readonly isNow: boolean
    readonly isZoomed: boolean
  }
  /** The verdict. It is about now, whatever the range is. */
  readonly health: Health
  /** The selected requests of the range. */
  readonly summary: Figures & Pick<Summary, 'lines'>
  /** The selected requests of the same span before the range. */
  readonly before: Before
  /** For how many seconds of the range there are lines: a rate is per second of these. */
  readonly covered: number
  readonly tables: Tables
  readonly sources: Sources
  readonly lanes: readonly Lane[]
  /** Who calls whom, now. Undefined where the source does not know it. */
  readonly calls?: Calls
  readonly errors: readonly ErrorLine[]
  readonly groups: ErrorGroupsJson
  /** The latest errors of the service that causes the trouble, whatever the range and the selection are. */
  readonly causes: readonly CauseTrace[]
  readonly progress: {
    readonly read: number
    readonly all: number
    readonly newest: number | null
    readonly localTimes: boolean
  }
  /** The log engine; undefined for files. */
  readonly engine?: EngineJson
}

/** Returns the range of `seconds` that ends now. If nothing was logged in it, it ends at the newest line. */
export function rangeOf(files: Newest, seconds: number, now: number): Parts['range'] {
  const stepMs = (RANGES.get(seconds) ?? 60) * 1_000
  const newest = newestOf(files)
  const isNow = newest === null || newest >= now - seconds * 1_000
  const to = (Math.floor((isNow ? now : newest) / stepMs) + 1) * stepMs
  return { seconds, stepMs, from: to - seconds * 1_000, to, isNow, isZoomed: false }
}

/** Returns a range that was chosen in a chart, rounded outwards to whole columns. */
export function zoomedRangeOf(files: Pick<LogFiles, 'timelines'>, { from, to }: Range): Parts['range'] {
  let found = { from, to, stepMs: 0 }
  for (const seconds of ZOOM_STEPS_S) {
    const stepMs = seconds * 1_000
    if ((to - from) / stepMs > COLUMNS_MAX) continue
    found = { from: Math.floor(from / stepMs) * stepMs, to: Math.ceil(to / stepMs) * stepMs, stepMs }
    // What is older was counted in wider slots, and a column is at least as wide as one.
    if (files.timelines.every((timeline) => timeline.stepFor(found.from, found.to) <= stepMs)) break
  }
  return { ...found, seconds: (found.to - found.from) / 1_000, isNow: true, isZoomed: true }
}

/** Returns all data of a range for the page, except columns and tail. `rowsMax` bounds each table. */
export function partsOf(
  files: LogFiles,
  range: Parts['range'],
  health: Health,
  selection: Selection = ENTRIES,
  now: number = files.journal.clock(),
  rowsMax: number = ROWS_MAX,
  thresholds: Thresholds = DEFAULT_THRESHOLDS,
): Parts {
  const { journal } = files
  const { cells } = journal
  const slots = slotsOf(files, range)
  const tally = new Tally()
  for (const [, slot] of slots) tally.merge(slot)
  // A service answers hops too, whatever the page is about.
  const answered = answeredBy(tally, cells)
  const before = tallyOf(files, { from: range.from - range.seconds * 1_000, to: range.from })
  return {
    range,
    health,
    summary: { ...figures(tally, cells, selection), lines: linesOf(files) },
    before: beforeOf(before, cells, selection),
    covered: coveredOf(files, range, now),
    tables: tablesOf(tally, answered, slots, cells, range, selection, health, rowsMax),
    sources: sourcesOf(files, now),
    lanes: lanesOf(files, range, health, answered),
    calls: callsOf(files, health, now, thresholds),
    errors: latestErrors(journal, range, selection),
    groups: errorGroupsOf(journal.errorGroups, range, selection, rowsMax),
    causes: health.cause === null ? [] : tracesOf(journal.errorGroups, health.cause.service),
    progress: {
      ...files.backfilling,
      newest: newestOf(files),
      localTimes: files.all.some(({ log }) => log.facts.hasLocalTimes),
    },
  }
}

/** Returns the slots of a range: the widest that still fit into its columns. */
function slotsOf(files: LogFiles, { from, to, stepMs }: Parts['range']): readonly (readonly [number, Tally])[] {
  return files.timelines.flatMap((timeline) => [...timeline.between(timeline.stepWithin(from, to, stepMs), from, to)])
}

function coveredOf(files: LogFiles, { from, to }: Range, now: number): number {
  const oldest = Math.min(...files.timelines.map((timeline) => timeline.oldest))
  const end = Math.min(to, Math.max(now, from))
  return Math.max(1, Math.ceil((end - Math.min(Math.max(from, oldest), end)) / 1_000))
}

/** Returns the columns of a range that changed after `revision`, ordered by time. */
export function columnsOf(
  files: LogFiles,
  range: Parts['range'],
  revision: number,
  selection: Selection = ENTRIES,
): readonly Column[] {
  const slots = new Map<number, Tally[]>()
  const changed = new Set<number>()
  for (const [at, slot] of slotsOf(files, range)) {
    const column = Math.floor(at / range.stepMs) * range.stepMs
    const known = slots.get(column)
    if (known === undefined) slots.set(column, [slot])
    else known.push(slot)
    if (slot.revision > revision) changed.add(column)
  }
  const { cells } = files.journal
  return [...changed].sort((a, b) => a - b).map((at) => columnOf(at, slots.get(at) ?? [], cells, selection))
}

/** Adds up the slots of one column. */
export function columnOf(at: number, slots: readonly Tally[], cells: Cells, selection: Selection): Column {
  const sum = new Sum()
  const byStatus = new Map<number, number>()
  for (const slot of slots)
    for (const cell of selected(slot, cells, selection)) {
      addSelected(sum, cell)
      const { status = 0 } = cell.key
      byStatus.set(status, (byStatus.get(status) ?? 0) + requestsOf(cell))
    }
  const { mean, p50, p95, p99 } = sum.latency
  const good = sum.requests - sum.clientErrors - sum.serverErrors
  const retries = retriesOf(slots, cells, selection)
  const [low, high, highest] = [rounded(p50), rounded(p95), rounded(p99)]
  const codes = codesOf(byStatus)
  const bands = latencyBands(sum.histogram)
  return [at, good, sum.clientErrors, sum.serverErrors, low, high, highest, retries, rounded(mean), codes, bands]
}

function retriesOf(slots: readonly Tally[], cells: Cells, selection: Selection): number {
  let retries = 0
  for (const { cells: counts } of slots)
    for (const [number, { count }] of counts) {
      const key = cells.key(number)
      if (key.type === 'event' && key.name === 'retry.attempt' && selects(selection, key)) retries += count
    }
  return retries
}

function codesOf(byStatus: ReadonlyMap<number, number>): readonly number[] {
  const all = [...byStatus].sort(([a, more], [b, less]) => (a === 0 ? 1 : b === 0 ? -1 : less - more || a - b))
  const shown = all.filter(([status]) => status !== 0).slice(0, CODES_PER_COLUMN_MAX)
  const others = all.reduce((sum, [, count]) => sum + count, 0) - shown.reduce((sum, [, count]) => sum + count, 0)
  return [...shown.sort(([a], [b]) => a - b), ...(others > 0 ? [[0, others]] : [])].flat()
}

function newestOf(files: Newest): number | null {
  const newest = Math.max(...files.timelines.map((timeline) => timeline.newest))
  return Number.isFinite(newest) ? newest : null
}

function rounded(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(4))
}
