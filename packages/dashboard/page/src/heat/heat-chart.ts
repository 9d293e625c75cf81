import { bandLimits, bandStart, countsOf, ZERO_BAND } from '../../../src/counts/latency-bands.ts'
import type { Column, Parts } from '../../../src/report/view.ts'
import type { Chart } from '../charts/chart.ts'
import type { Formats } from '../text/format.ts'

/** A cell of the heatmap: a column of time and a row of latencies. */
export interface Cell {
  readonly at: number
  readonly row: number
}

/** Latencies over time: how many requests are in each cell. */
export interface HeatChart extends Chart {
  /** The counts of each column with latencies, by row. */
  readonly cells: ReadonlyMap<number, ReadonlyMap<number, number>>
  /** The lowest and the highest row. */
  readonly rows: { readonly lowest: number; readonly highest: number }
  /** The row of latencies of 0, below the others; undefined without any. */
  readonly zeroRow: number | undefined
  /** The least count of each shade, the palest first. */
  readonly steps: readonly number[]
  readonly total: number
}

/** Fewer rows would be thick bars. */
const ROWS_MIN = 8
const SHADES_MAX = 5
/** The rows of a chart without latencies: from about 1 to 30 ms. */
const EMPTY_ROWS = { lowest: 17, highest: 25 }

/** Counts the columns of a range by latency. */
export function heatChart(range: Parts['range'], columns: readonly Column[], format: Formats): HeatChart {
  const counted = columns.flatMap((column) => {
    const bands = countsOf(column[10])
    return bands.size === 0 || column[0] < range.from || column[0] >= range.to ? [] : [[column[0], bands] as const]
  })
  const bands = new Set(counted.flatMap(([, counts]) => [...counts.keys()]))
  const hasZero = bands.delete(ZERO_BAND)
  const found = bands.size === 0 ? EMPTY_ROWS : { lowest: Math.min(...bands), highest: Math.max(...bands) }
  const zeroRow = hasZero ? found.lowest - 1 : undefined
  const rows = padded({ ...found, lowest: zeroRow ?? found.lowest }, zeroRow !== undefined)
  const cells = new Map(
    counted.map(([at, counts]) => [
      at,
      new Map([...counts].map(([band, count]) => [band === ZERO_BAND ? found.lowest - 1 : band, count])),
    ]),
  )
  const all = [...cells.values()].flatMap((counts) => [...counts.values()])
  const times: number[] = []
  for (let at = range.from; at < range.to; at += range.stepMs) times.push(at)
  // Invisible lines along the edges give the axis its range.
  const edge = (name: string, row: number) => ({
    ...{ name, label: '', paint: { color: 'transparent', pattern: 'solid' } as const, dash: [] },
    values: times.map(() => bandStart(row)),
  })
  return {
    kind: 'lines',
    times,
    stepMs: range.stepMs,
    series: [edge('lowest', rows.lowest), edge('highest', rows.highest + 1)],
    format: (value) => format.duration(value),
    ...{ cells, rows, zeroRow },
    steps: stepsOf(Math.max(0, ...all)),
    total: all.reduce((sum, count) => sum + count, 0),
  }
}

/** Returns the shade of a count, from 0 for the palest. */
export function shadeOf(count: number, steps: readonly number[]): number {
  return Math.max(
    0,
    steps.findLastIndex((least) => count >= least),
  )
}

/** The limits of a row in milliseconds. */
export function limitsOf(row: number, { zeroRow }: HeatChart): { readonly from: number; readonly to: number } {
  return bandLimits(row === zeroRow ? ZERO_BAND : row)
}

/** Returns the row of a latency on the axis. */
export function rowAt(ms: number, { rows }: HeatChart): number {
  let row = rows.lowest
  while (row < rows.highest && bandStart(row + 1) <= ms) row += 1
  return row
}

/** What a cell counts, and its share of the column. */
export function countOf({ cells }: HeatChart, { at, row }: Cell): { readonly count: number; readonly all: number } {
  const counts = cells.get(at)
  const all = counts === undefined ? 0 : [...counts.values()].reduce((sum, count) => sum + count, 0)
  return { count: counts?.get(row) ?? 0, all }
}

/** Moves to another cell; columns without latencies are skipped. Undefined without any. */
export function moved(chart: HeatChart, from: Cell | undefined, columns: number, rows: number): Cell | undefined {
  const times = [...chart.cells.keys()].sort((a, b) => a - b)
  const current = from === undefined ? -1 : times.findLastIndex((at) => at <= from.at)
  const index = from === undefined ? times.length - 1 : Math.min(Math.max(current + columns, 0), times.length - 1)
  const at = times[index]
  if (at === undefined) return undefined
  const row = from === undefined ? busiest(chart.cells.get(at)) : from.row + rows
  return { at, row: Math.min(Math.max(row, chart.rows.lowest), chart.rows.highest) }
}

function busiest(counts: ReadonlyMap<number, number> = new Map()): number {
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 0
}

function padded(rows: HeatChart['rows'], isBottom: boolean): HeatChart['rows'] {
  let { lowest, highest } = rows
  while (highest - lowest + 1 < ROWS_MIN) {
    highest += 1
    if (!isBottom && highest - lowest + 1 < ROWS_MIN) lowest -= 1
  }
  return { lowest, highest }
}

/** Round numbers (1, 2, 5, 10 …), so that the legend does not change with every request. */
function stepsOf(most: number): readonly number[] {
  const ladder: number[] = []
  for (let power = 1; power <= most; power *= 10)
    for (const factor of [1, 2, 5]) if (power * factor <= most) ladder.push(power * factor)
  const stride = Math.ceil(ladder.length / SHADES_MAX)
  return ladder.filter((_, at) => at % stride === 0)
}
