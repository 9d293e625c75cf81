import type { LogFiles } from '../journal/log-files.ts'
import { healthOf } from '../report/health.ts'
import { ZOOM_S } from '../report/ranges.ts'
import { ENTRIES, type Selection } from '../report/selection.ts'
import type { Range } from '../report/summary.ts'
import { columnsOf, partsOf, rangeOf, zoomedRangeOf } from '../report/view.ts'
import type { Thresholds } from '../verdict/thresholds.ts'
import type { Shown } from './csv-tables.ts'

/** The most rows of each exported table. */
export const ROWS_MAX = 10_000

/** Computes what a page would show now, with longer tables. */
export function shownNow(
  files: LogFiles,
  view: number | Range,
  thresholds: Thresholds,
  selection: Selection = ENTRIES,
): Shown {
  const now = files.journal.clock()
  const range = typeof view === 'number' ? rangeOf(files, view, now) : zoomedRangeOf(files, view)
  const health = healthOf(files, now, thresholds)
  return {
    parts: partsOf(files, range, health, selection, now, ROWS_MAX),
    columns: columnsOf(files, range, 0, selection),
  }
}

/** The range of everything that was read, or the last part of it that a chart can show. */
export function wholeRange(files: LogFiles): Range {
  const now = files.journal.clock()
  const oldest = Math.min(...files.timelines.map((timeline) => timeline.oldest))
  // The timelines know no changes of breakers.
  const changes = files.journal.breakers.all.flatMap(({ changes: { items } }) => items.at(-1)?.at ?? [])
  const newest = Math.max(...files.timelines.map((timeline) => timeline.newest), ...changes)
  const to = Number.isFinite(newest) ? newest + 1 : now
  const from = Number.isFinite(oldest) ? oldest : to
  const length = Math.min(Math.max(to - from, ZOOM_S.min * 1_000), ZOOM_S.max * 1_000 * 0.9)
  return { from: to - length, to }
}
