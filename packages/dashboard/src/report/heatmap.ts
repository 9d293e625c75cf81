import { bandLimits, countsOf } from '../counts/latency-bands.ts'
import type { LogFiles } from '../journal/log-files.ts'
import type { Selection } from './selection.ts'
import type { Range } from './summary.ts'
import { columnsOf, rangeOf, zoomedRangeOf } from './view.ts'

/** The result of `GET /api/heatmap`: how many requests took how long, over time. */
export interface Heatmap {
  readonly from: string
  readonly to: string
  /** The width of a column in milliseconds. */
  readonly step_ms: number
  /** The limits of each band in milliseconds, the shortest latencies first. A band excludes `to`. */
  readonly bands: readonly { readonly from: number; readonly to: number; readonly count: number }[]
  /** Only columns with latencies. `counts` has a number for each band. */
  readonly columns: readonly { readonly at: string; readonly counts: readonly number[] }[]
  /** Requests with a latency. */
  readonly total: number
}

/** Counts the latencies of the selected requests by time and band. A number is a range of seconds until now. */
export function heatmapOf(files: LogFiles, view: number | Range, selection: Selection, now: number): Heatmap {
  const range = typeof view === 'number' ? rangeOf(files, view, now) : zoomedRangeOf(files, view)
  const counted = columnsOf(files, range, 0, selection).map((column) => ({
    at: column[0],
    bands: countsOf(column[10]),
  }))
  const totals = new Map<number, number>()
  for (const { bands } of counted) for (const [band, count] of bands) totals.set(band, (totals.get(band) ?? 0) + count)
  const bands = [...totals].sort(([a], [b]) => a - b)
  return {
    from: iso(range.from),
    to: iso(range.to),
    step_ms: range.stepMs,
    bands: bands.map(([band, count]) => ({ ...rounded(band), count })),
    columns: counted
      .filter((column) => column.bands.size > 0)
      .map((column) => ({ at: iso(column.at), counts: bands.map(([band]) => column.bands.get(band) ?? 0) })),
    total: bands.reduce((sum, [, count]) => sum + count, 0),
  }
}

function rounded(band: number): { readonly from: number; readonly to: number } {
  const { from, to } = bandLimits(band)
  return { from: Number(from.toPrecision(6)), to: Number(to.toPrecision(6)) }
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
