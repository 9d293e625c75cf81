import type { Cells } from '../counts/cells.ts'
import { LatencyHistogram } from '../counts/latency-histogram.ts'
import type { Tally } from '../counts/timeline.ts'
import type { LogFiles } from '../journal/log-files.ts'
import type { Health } from './health.ts'
import { type Lane, lanesOf } from './lanes.ts'
import { RANGES, ZOOM_STEPS_S } from './ranges.ts'
import { figures, type Range, type Summary, summarize, tallyOf } from './summary.ts'

const ERRORS_SHOWN = 50

/** The most statuses that a column counts apart. The rarer ones are counted together, as status 0. */
const CODES_PER_COLUMN_MAX = 12
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
]

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
  readonly summary: Summary
  readonly before: Omit<Summary, 'breakers' | 'lines' | 'files'>
  readonly lanes: readonly Lane[]
  readonly errors: readonly object[]
  readonly progress: {
    readonly read: number
    readonly all: number
    readonly newest: number | null
    readonly localTimes: boolean
  }
}

/** Returns the range of `seconds` that ends now. If nothing was logged in it, it ends at the newest line. */
export function rangeOf(files: LogFiles, seconds: number, now: number): Parts['range'] {
  const stepMs = (RANGES.get(seconds) ?? 60) * 1_000
  const newest = newestOf(files)
  const isNow = newest === null || newest >= now - seconds * 1_000
  const to = (Math.floor((isNow ? now : newest) / stepMs) + 1) * stepMs
  return { seconds, stepMs, from: to - seconds * 1_000, to, isNow, isZoomed: false }
}

/** Returns a range that was chosen in a chart, rounded outwards to whole columns. */
export function zoomedRangeOf(files: LogFiles, { from, to }: Range): Parts['range'] {
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

/** Returns all data of a range for the page, except columns and tail. */
export function partsOf(files: LogFiles, range: Parts['range'], health: Health): Parts {
  const { journal } = files
  const before = { from: range.from - range.seconds * 1_000, to: range.from }
  const summary = summarize(files, range)
  return {
    range,
    health,
    summary,
    before: figures(tallyOf(files, before), journal.cells),
    lanes: lanesOf(files, range, health, summary),
    errors: journal.errors.newest(ERRORS_SHOWN).toReversed(),
    progress: {
      ...files.backfilling,
      newest: newestOf(files),
      localTimes: files.all.some(({ log }) => log.facts.hasLocalTimes),
    },
  }
}

/** Returns the columns of a range that changed after `revision`, ordered by time. */
export function columnsOf(files: LogFiles, range: Parts['range'], revision: number): readonly Column[] {
  const slots = new Map<number, Tally[]>()
  const changed = new Set<number>()
  for (const timeline of files.timelines) {
    const stepMs = timeline.stepFor(range.from, range.to)
    for (const [at, slot] of timeline.between(stepMs, range.from, range.to)) {
      const column = Math.floor(at / range.stepMs) * range.stepMs
      const known = slots.get(column)
      if (known === undefined) slots.set(column, [slot])
      else known.push(slot)
      if (slot.revision > revision) changed.add(column)
    }
  }
  return [...changed].sort((a, b) => a - b).map((at) => columnOf(at, slots.get(at) ?? [], files.journal.cells))
}

function columnOf(at: number, slots: readonly Tally[], cells: Cells): Column {
  const latency = new LatencyHistogram()
  let [good, client, server, retries, sum, latencies] = [0, 0, 0, 0, 0, 0]
  const byStatus = new Map<number, number>()
  for (const slot of slots) {
    latency.merge(slot.latency)
    for (const [number, { count, latencyMsSum, latencies: timed }] of slot.cells) {
      const key = cells.key(number)
      if (key.type === 'apart') continue
      if (key.type === 'event') {
        retries += key.name === 'retry.attempt' ? count : 0
        continue
      }
      sum += latencyMsSum
      latencies += timed
      byStatus.set(key.status ?? 0, (byStatus.get(key.status ?? 0) ?? 0) + count)
      if (key.status === undefined || key.status < 400) good += count
      else if (key.status < 500) client += count
      else server += count
    }
  }
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => rounded(latency.percentile(share)))
  const mean = latencies === 0 ? null : rounded(sum / latencies)
  return [at, good, client, server, p50 ?? null, p95 ?? null, p99 ?? null, retries, mean, codesOf(byStatus)]
}

function codesOf(byStatus: ReadonlyMap<number, number>): readonly number[] {
  const all = [...byStatus].sort(([a, more], [b, less]) => (a === 0 ? 1 : b === 0 ? -1 : less - more || a - b))
  const shown = all.filter(([status]) => status !== 0).slice(0, CODES_PER_COLUMN_MAX)
  const others = all.reduce((sum, [, count]) => sum + count, 0) - shown.reduce((sum, [, count]) => sum + count, 0)
  return [...shown.sort(([a], [b]) => a - b), ...(others > 0 ? [[0, others]] : [])].flat()
}

function newestOf(files: LogFiles): number | null {
  const newest = Math.max(...files.timelines.map((timeline) => timeline.newest))
  return Number.isFinite(newest) ? newest : null
}

function rounded(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(4))
}
