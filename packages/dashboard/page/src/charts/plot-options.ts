import uPlot from 'uplot'
import { f, now, parts } from '../state/state.ts'
import { hoverAt, resetZoom, zoomTo } from '../state/view.ts'
import { type Chart, unfinishedOf } from './chart.ts'
import { canvasPaint, resolverOf, stripes } from './paint.ts'
import { axisLabels, isSameDay } from './time-labels.ts'

/** The height of a chart, in pixels. */
export const CHART_HEIGHT = 200
const FONT = '12px system-ui, sans-serif'
const DRAG_PX_MIN = 5
/** The lowest latency on a logarithmic axis, which has no zero. */
const LOG_MS_MIN = 0.01

/** Returns the data of a chart for uPlot: stacks are sums from the bottom, the largest first, drawn behind the others. */
export function dataOf({ kind, times, stepMs, series }: Chart, isLog: boolean): uPlot.AlignedData {
  // The middle of each column, so that the nearest point of the pointer is its column.
  const xs = times.map((at) => (at + stepMs / 2) / 1_000)
  if (kind === 'lines') return [xs, ...series.map(({ values }) => (isLog ? values.map(positive) : [...values]))]
  const sums = times.map(() => 0)
  const stacked = series.map(({ values }) =>
    values.map((value, at) => {
      const sum = (sums[at] ?? 0) + (value ?? 0)
      sums[at] = sum
      // Null instead of an equal height: the edge of the bar behind would show.
      return (value ?? 0) > 0 ? sum : null
    }),
  )
  return [xs, ...stacked.toReversed()]
}

/** Returns the options of uPlot. `chart` returns the newest data. */
export function optionsOf(chart: () => Chart, element: HTMLElement, isLog: boolean): uPlot.Options {
  const resolve = resolverOf(element)
  const axis = {
    stroke: resolve('var(--quiet)'),
    font: FONT,
    grid: { stroke: resolve('var(--hair)'), width: 1 },
    ticks: { show: false },
  }
  const unfinished = stripes(resolve('var(--quiet)'))
  const isNarrow = element.clientWidth < 420
  return {
    width: Math.max(200, element.clientWidth),
    height: CHART_HEIGHT,
    legend: { show: false },
    // Half of a label of the time axis is right of its tick.
    padding: [8, 28, 0, 0],
    cursor: {
      drag: { x: true, y: false, setScale: false, dist: DRAG_PX_MIN },
      points: { show: chart().kind === 'lines', size: 6 },
      y: false,
      bind: {
        dblclick: () => () => {
          resetZoom()
          return null
        },
      },
    },
    scales: {
      x: {
        range: () => {
          const range = parts.peek()?.range
          return range === undefined ? [0, 1] : [range.from / 1_000, range.to / 1_000]
        },
      },
      y: isLog
        ? { distr: 3, log: 10, range: (_, min, max) => logRange(min, max) }
        : { range: (_, __, max) => [0, max !== null && max > 0 ? max * 1.1 : 1] },
    },
    axes: [
      {
        ...axis,
        size: () => (isDated() ? 48 : 32),
        gap: 8,
        space: isNarrow ? 64 : 72,
        values: (_, times) => {
          const range = parts.peek()?.range
          const { from, to } = range ?? { from: 0, to: 1 }
          return [
            ...axisLabels(
              times.map((time) => time * 1_000),
              from,
              to,
              f.peek(),
            ),
          ]
        },
      },
      {
        ...axis,
        size: 72,
        space: 32,
        values: (_, values) =>
          // A logarithmic axis has a line at 2, 3, 4 …, and a label at 1, 10, 100.
          values.map((value) => (isLog && !Number.isInteger(Math.log10(value)) ? '' : chart().format(value))),
      },
    ],
    series: [{}, ...seriesOf(chart(), resolve)],
    hooks: {
      draw: [(plot) => drawUnfinished(plot, unfinished)],
      setCursor: [
        (plot) => {
          // Only the chart under the pointer tells the others; new data moves the cursors of all of them.
          const { left = -1, idx } = plot.cursor
          if (left < 0 || idx === null || idx === undefined || !plot.over.matches(':hover')) return
          hoverAt.value = chart().times[idx]
        },
      ],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select
          if (width < DRAG_PX_MIN) return
          zoomTo(plot.posToVal(left, 'x') * 1_000, plot.posToVal(left + width, 'x') * 1_000)
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
        },
      ],
    },
  }
}

function seriesOf({ kind, series }: Chart, resolve: (color: string) => string): uPlot.Series[] {
  if (kind === 'lines') {
    return series.map(({ label, paint, dash }, at) => ({
      label,
      stroke: resolve(paint.color),
      width: at === 0 ? 2 : 1.5,
      dash: [...dash],
      spanGaps: false,
      points: { show: true, size: 4, fill: resolve(paint.color), width: 0, filter: isolatedPoints },
    }))
  }
  const bars = uPlot.paths.bars?.({ size: [0.9, 40], align: 0, gap: 0 })
  return series.toReversed().map(({ label, paint }) => {
    const fill = canvasPaint(paint, resolve)
    return {
      label,
      stroke: resolve(paint.color),
      width: 0,
      points: { show: false },
      fill: () => fill,
      ...(bars === undefined ? {} : { paths: bars }),
    }
  })
}

/** Returns the points without neighbours, which a line alone would not show. */
function isolatedPoints({ data }: uPlot, series: number): number[] {
  const values = data[series] ?? []
  const isGap = (at: number): boolean => values[at] === null || values[at] === undefined
  return [...values.keys()].filter((at) => !isGap(at) && isGap(at - 1) && isGap(at + 1))
}

/** Hatches the column that is not over yet: its bar still grows. */
function drawUnfinished({ ctx, bbox, valToPos }: uPlot, pattern: CanvasPattern | string): void {
  const range = parts.peek()?.range
  const start = range === undefined ? undefined : unfinishedOf(range, now.peek())
  if (range === undefined || start === undefined || start < range.from) return
  const left = valToPos(start / 1_000, 'x', true)
  const right = valToPos((start + range.stepMs) / 1_000, 'x', true)
  ctx.save()
  ctx.fillStyle = pattern
  ctx.fillRect(left, bbox.top, Math.max(4, right - left), bbox.height)
  ctx.restore()
}

/** Whole powers of ten around the values. */
function logRange(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null) return [1, 1_000]
  const low = 10 ** Math.floor(Math.log10(Math.max(min, LOG_MS_MIN)))
  const high = 10 ** Math.ceil(Math.log10(Math.max(max, LOG_MS_MIN)))
  return high > low ? [low, high] : [low, low * 10]
}

function positive(value: number | null): number | null {
  return value === null ? null : Math.max(value, LOG_MS_MIN)
}

function isDated(): boolean {
  const range = parts.peek()?.range
  return range !== undefined && !isSameDay(range.from, range.to - 1)
}
