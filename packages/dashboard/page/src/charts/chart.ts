import type { Column, Parts } from '../../../src/report/view.ts'
import type { Formats } from '../text/format.ts'
import type { Texts } from '../text/spanish.ts'
import { classOf } from '../text/status-class.ts'
import { CLASS_PAINTS, type Paint, shadeOf } from './paint.ts'

type Range = Parts['range']

/** One series of a chart. */
export interface Series {
  readonly name: string
  readonly label: string
  readonly paint: Paint
  /** The dashes of a line; empty for a full one. */
  readonly dash: readonly number[]
  /** A value per column; null is a gap. */
  readonly values: readonly (number | null)[]
}

/** A chart over time. */
export interface Chart {
  readonly kind: 'stack' | 'lines'
  /** The start of each column, in milliseconds. */
  readonly times: readonly number[]
  readonly stepMs: number
  /** From the bottom up. */
  readonly series: readonly Series[]
  /** Formats a value with its unit. */
  readonly format: (value: number) => string
}

/** The most statuses that are drawn apart. */
const CODES_SHOWN = 8

/** The requests of each column by status class, as a rate. */
export function classChart(range: Range, columns: readonly Column[], texts: Texts, format: Formats): Chart {
  const { times, rows } = stepsOf(range, columns)
  const rate = rateOf(range)
  const series = (name: keyof typeof CLASS_PAINTS, index: 1 | 2 | 3): Series => ({
    name,
    label: texts[name],
    paint: CLASS_PAINTS[name],
    dash: [],
    values: rows.map((row) => (row?.[index] ?? 0) * rate.factor),
  })
  return {
    kind: 'stack',
    times,
    stepMs: range.stepMs,
    series: [series('server', 3), series('client', 2), series('good', 1)],
    format: (value) => texts[rate.unit](format.ratio(value)),
  }
}

/** The requests of each column by status code, as a rate. Rare ones are counted together. */
export function codeChart(range: Range, columns: readonly Column[], texts: Texts, format: Formats): Chart {
  const { times, rows } = stepsOf(range, columns)
  const rate = rateOf(range)
  const counts = rows.map((row) => codesOf(row))
  const totals = new Map<number, number>()
  for (const count of counts) for (const [code, n] of count) totals.set(code, (totals.get(code) ?? 0) + n)
  const shown = [...totals.keys()]
    .filter((code) => code !== 0)
    .sort((a, b) => (totals.get(b) ?? 0) - (totals.get(a) ?? 0))
    .slice(0, CODES_SHOWN)
    .sort((a, b) => b - a)
  const nth = { good: 0, client: 0, server: 0 }
  // The most frequent code of a class has the colour of the class.
  const paints = new Map(
    shown
      .toSorted((a, b) => (totals.get(b) ?? 0) - (totals.get(a) ?? 0))
      .map((code) => {
        const name = classOf(code) as keyof typeof nth
        return [code, shadeOf(name, nth[name]++)]
      }),
  )
  const series = shown.map(
    (code): Series => ({
      name: String(code),
      label: String(code),
      paint: paints.get(code) ?? CLASS_PAINTS.good,
      dash: [],
      values: counts.map((count) => (count.get(code) ?? 0) * rate.factor),
    }),
  )
  const others = counts.map((count) => [...count].reduce((sum, [code, n]) => (shown.includes(code) ? sum : sum + n), 0))
  if (others.some((n) => n > 0)) {
    const paint = { color: 'var(--quiet)', pattern: 'wide' } as const
    series.push({ name: 'others', label: texts.others, paint, dash: [], values: others.map((n) => n * rate.factor) })
  }
  return {
    kind: 'stack',
    times,
    stepMs: range.stepMs,
    series,
    format: (value) => texts[rate.unit](format.ratio(value)),
  }
}

const LINES = [
  { name: 'p50', index: 4, color: 'var(--good)', dash: [] },
  { name: 'p95', index: 5, color: 'var(--degraded)', dash: [6, 3] },
  { name: 'p99', index: 6, color: 'var(--ink)', dash: [2, 3] },
  { name: 'mean', index: 8, color: 'var(--client)', dash: [8, 3, 2, 3] },
] as const

/** The latency of each column: percentiles and mean. */
export function latencyChart(range: Range, columns: readonly Column[], texts: Texts, format: Formats): Chart {
  const { times, rows } = stepsOf(range, columns)
  return {
    kind: 'lines',
    times,
    stepMs: range.stepMs,
    series: LINES.map(({ name, index, color, dash }) => ({
      name,
      label: name === 'mean' ? texts.mean : name,
      paint: { color, pattern: 'solid' },
      dash,
      values: rows.map((row) => row?.[index] ?? null),
    })),
    format: (value) => format.duration(value),
  }
}

/** The unit of rates, and by what to multiply the requests of a column: per second below a minute's range. */
export function rateOf({ seconds, stepMs }: Pick<Range, 'seconds' | 'stepMs'>): {
  readonly unit: 'perSecond' | 'perMinute'
  readonly factor: number
} {
  return seconds < 60 ? { unit: 'perSecond', factor: 1_000 / stepMs } : { unit: 'perMinute', factor: 60_000 / stepMs }
}

/** Returns the start of the column that is not over yet; undefined if the range has none. */
export function unfinishedOf({ to, stepMs }: Pick<Range, 'to' | 'stepMs'>, now: number): number | undefined {
  const start = Math.floor(now / stepMs) * stepMs
  return start < to && now < start + stepMs ? start : undefined
}

/** Returns every column of the range, so that a pause is drawn as a gap instead of a slope. */
function stepsOf(range: Range, columns: readonly Column[]) {
  const at = new Map(columns.map((column) => [column[0], column]))
  const times: number[] = []
  for (let time = range.from; time < range.to; time += range.stepMs) times.push(time)
  return { times, rows: times.map((time) => at.get(time)) }
}

function codesOf(column: Column | undefined): ReadonlyMap<number, number> {
  const codes = new Map<number, number>()
  const pairs = column?.[9] ?? []
  for (let at = 0; at < pairs.length; at += 2) codes.set(pairs[at] ?? 0, pairs[at + 1] ?? 0)
  return codes
}
