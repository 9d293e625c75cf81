import type { Band } from '../report/bands.ts'
import type { Column } from '../report/view.ts'
import { type Html, html } from './html.ts'

const WIDTH = 640
const HEIGHT = 200
const LEFT = 64
const BOTTOM = 20
const TOP = 8
const PLOT_WIDTH = WIDTH - LEFT
const PLOT_HEIGHT = HEIGHT - BOTTOM - TOP
const GRID_LINES = 4

/** What a chart shows. */
export interface ChartFrame {
  readonly from: number
  readonly to: number
  readonly stepMs: number
  /** What the chart is, for screen readers. */
  readonly label: string
  readonly valueText: (value: number) => string
  readonly timeText: (at: number) => string
}

/** A part of each column, from the bottom up, or a line. */
export interface Series {
  /** Also the class of its marks. */
  readonly name: string
  readonly of: (column: Column) => number | null
}

/** Draws columns on top of each other. */
export function stackedChart(columns: readonly Column[], series: readonly Series[], frame: ChartFrame): Html {
  const sums = columns.map((column) => series.reduce((sum, { of }) => sum + (of(column) ?? 0), 0))
  const highest = wholeMax(Math.max(0, ...sums))
  const width = Math.max(1, (PLOT_WIDTH * frame.stepMs) / (frame.to - frame.from) - 0.5)
  const bars = columns.map((column) => {
    let below = 0
    return series.map(({ name, of }) => {
      const value = of(column) ?? 0
      if (value === 0) return undefined
      const height = (value / highest) * PLOT_HEIGHT
      below += height
      return html`<rect class="${name}" x="${xOf(column[0], frame)}" y="${fixed(TOP + PLOT_HEIGHT - below)}" width="${fixed(width)}" height="${fixed(height)}"/>`
    })
  })
  return framed(bars.flat(), highest, frame)
}

/** Draws lines. A line has a gap where there is no value. */
export function lineChart(columns: readonly Column[], series: readonly Series[], frame: ChartFrame): Html {
  const values = columns.flatMap((column) => series.map(({ of }) => of(column) ?? 0))
  const highest = niceMax(Math.max(0, ...values))
  const lines = series.map(({ name, of }) => {
    let path = ''
    let before: number | undefined
    for (const column of columns) {
      const value = of(column)
      if (value === null) continue
      const y = fixed(TOP + PLOT_HEIGHT * (1 - value / highest))
      const x = xOf(column[0] + frame.stepMs / 2, frame)
      path += before !== undefined && column[0] - before <= frame.stepMs ? `L${x} ${y}` : `M${x} ${y}h0.1`
      before = column[0]
    }
    return path === '' ? undefined : html`<path class="${name}" d="${path}"/>`
  })
  return framed(lines, highest, frame)
}

/** Draws the states of one breaker over time. */
export function laneChart(bands: readonly Band[], frame: Pick<ChartFrame, 'from' | 'to' | 'label'>): Html {
  const shareOf = (at: number): number => ((at - frame.from) / (frame.to - frame.from)) * WIDTH
  const rects = bands.map(({ from, to, state }) => {
    const isThin = state === 'closed'
    const width = fixed(Math.max(1, shareOf(to) - shareOf(from)))
    return html`<rect class="${state}" x="${fixed(shareOf(from))}" y="${isThin ? 11 : 4}" width="${width}" height="${isThin ? 2 : 16}"/>`
  })
  return html`<svg class="lane" role="img" aria-label="${frame.label}" viewBox="0 0 ${WIDTH} 24" preserveAspectRatio="none">${rects}</svg>`
}

function framed(marks: readonly (Html | undefined)[], highest: number, frame: ChartFrame): Html {
  const { from, to, label, valueText, timeText } = frame
  const grid = Array.from({ length: GRID_LINES + 1 }, (_, index) => {
    const y = fixed(TOP + (PLOT_HEIGHT * index) / GRID_LINES)
    const value = highest * (1 - index / GRID_LINES)
    return html`<line class="grid" x1="${LEFT}" x2="${WIDTH}" y1="${y}" y2="${y}"/><text x="${LEFT - 8}" y="${y}" dy="4" text-anchor="end">${valueText(value)}</text>`
  })
  const times = [from, (from + to) / 2, to].map((at, index) => {
    const anchor = ['start', 'middle', 'end'][index]
    return html`<text x="${xOf(at, frame)}" y="${HEIGHT - 4}" text-anchor="${anchor}">${timeText(at)}</text>`
  })
  return html`<svg class="chart" role="img" aria-label="${label}" viewBox="0 0 ${WIDTH} ${HEIGHT}">${grid}${marks}${times}</svg>`
}

function xOf(at: number, { from, to }: ChartFrame): string {
  return fixed(LEFT + ((at - from) / (to - from)) * PLOT_WIDTH)
}

/** The next round number, so that the grid has round values. */
function niceMax(value: number): number {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  const factor = [1, 2, 4, 5, 8, 10].find((each) => each * power >= value) ?? 10
  return factor * power
}

/** As {@link niceMax}, for whole numbers: the lines of the grid divide it without a rest. */
function wholeMax(value: number): number {
  const power = 10 ** Math.max(0, Math.floor(Math.log10(value / 4)))
  return ([4, 8, 12, 16, 20, 24, 32, 40].find((each) => each * power >= value) ?? 40) * power
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10)
}
