import type uPlot from 'uplot'
import { bandStart } from '../../../src/counts/latency-bands.ts'
import { resolverOf } from '../charts/paint.ts'
import { optionsOf } from '../charts/plot-options.ts'
import { type Cell, type HeatChart, rowAt, shadeOf } from './heat-chart.ts'

const FONT = '12px system-ui, sans-serif'
/** Wider cells have a line of ground between them. */
const SPACED_PX = 5
/** An axis of so many powers of ten has room for more labels. */
const SHORT_DECADES = 2.2
/** The palest shade must be seen: one slow request matters. */
const PALEST_PERCENT = 34

/** Returns the colour of a shade, as CSS. */
export function shadeColor(shade: number, shades: number): string {
  const percent = shades === 1 ? 100 : Math.round(PALEST_PERCENT + ((100 - PALEST_PERCENT) * shade) / (shades - 1))
  return `color-mix(in srgb, var(--good) ${percent}%, var(--ground))`
}

/**
 * Returns the options of uPlot for a heatmap: those of the other charts, with cells instead of lines.
 *
 * @param point called with the cell under the pointer
 */
export function heatOptions(
  chart: () => HeatChart,
  element: HTMLElement,
  point: (cell: Cell) => void,
  ready: (plot: uPlot) => void,
): uPlot.Options {
  const options = optionsOf(chart, element, true)
  const resolve = resolverOf(element)
  const ink = resolve('var(--quiet)')
  const colors = [1, 2, 3, 4, 5].map((shades) =>
    Array.from({ length: shades }, (_, shade) => resolve(shadeColor(shade, shades))),
  )
  const [timeAxis = {}, latencyAxis = {}] = options.axes ?? []
  const labelled: uPlot.Axis.Filter = (_, values) => values.map((value) => (isLabelled(value, chart()) ? value : null))
  return {
    ...options,
    cursor: { ...options.cursor, points: { show: false } },
    scales: {
      ...options.scales,
      y: {
        distr: 3,
        log: 10,
        range: () => [bandStart(chart().rows.lowest), bandStart(chart().rows.highest + 1)],
      },
    },
    axes: [
      timeAxis,
      {
        ...latencyAxis,
        // Only lines with a label: those between would look like cells.
        filter: labelled,
        grid: { ...latencyAxis.grid, filter: labelled },
        values: (_, values) => values.map((value) => (value === null ? '' : chart().format(value))),
      },
    ],
    series: [{}, ...chart().series.map(() => ({ points: { show: false }, paths: () => null }))],
    hooks: {
      ...options.hooks,
      init: [ready],
      draw: [
        (plot) => drawCells(plot, chart(), colors[chart().steps.length - 1] ?? [], ink),
        ...(options.hooks?.draw ?? []),
      ],
      setCursor: [
        ...(options.hooks?.setCursor ?? []),
        (plot) => {
          const { left = -1, top = -1, idx } = plot.cursor
          const at = chart().times[idx ?? -1]
          if (left < 0 || top < 0 || at === undefined || !plot.over.matches(':hover')) return
          point({ at, row: rowAt(plot.posToVal(top, 'y'), chart()) })
        },
      ],
    },
  }
}

/** 1, 10, 100 … have a label; on a short axis 2 and 5 of each too. */
function isLabelled(value: number, { rows, zeroRow }: HeatChart): boolean {
  const decades = Math.log10(bandStart(rows.highest + 1) / bandStart(rows.lowest))
  const digit = Math.round(value / 10 ** Math.floor(Math.log10(value) + 1e-9))
  if (digit !== 1 && (decades > SHORT_DECADES || (digit !== 2 && digit !== 5))) return false
  return zeroRow === undefined || value > bandStart(zeroRow + 1)
}

function drawCells(plot: uPlot, chart: HeatChart, colors: readonly string[], ink: string): void {
  const { ctx, bbox } = plot
  const yOf = (row: number): number => Math.round(plot.valToPos(bandStart(row), 'y', true))
  const ys = new Map<number, number>()
  for (let { lowest: row } = chart.rows; row <= chart.rows.highest + 1; row += 1) ys.set(row, yOf(row))
  ctx.save()
  for (const [at, counts] of chart.cells) {
    const left = Math.round(plot.valToPos(at / 1_000, 'x', true))
    const width = Math.round(plot.valToPos((at + chart.stepMs) / 1_000, 'x', true)) - left
    for (const [row, count] of counts) {
      const [top = 0, bottom = 0] = [ys.get(row + 1), ys.get(row)]
      const gap = width > SPACED_PX * devicePixelRatio ? 1 : 0
      ctx.fillStyle = colors[shadeOf(count, chart.steps)] ?? ink
      ctx.fillRect(left, top, Math.max(1, width - gap), Math.max(1, bottom - top - (bottom - top > 3 ? 1 : 0)))
    }
  }
  if (chart.zeroRow !== undefined) {
    const middle = (yOf(chart.zeroRow) + yOf(chart.zeroRow + 1)) / 2
    ctx.font = FONT.replace('12px', `${12 * devicePixelRatio}px`)
    ctx.fillStyle = ink
    ctx.textAlign = 'right'
    ctx.textBaseline = 'middle'
    ctx.fillText(chart.format(0), bbox.left - 8 * devicePixelRatio, middle)
  }
  ctx.restore()
}
