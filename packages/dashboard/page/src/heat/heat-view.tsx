import { useRef, useState } from 'preact/hooks'
import type uPlot from 'uplot'
import { bandStart } from '../../../src/counts/latency-bands.ts'
import { unfinishedOf } from '../charts/chart.ts'
import { Empty } from '../charts/empty.tsx'
import { Plot } from '../charts/plot.tsx'
import { momentLabel } from '../charts/time-labels.ts'
import { asTables, columns, f, now, parts, t } from '../state/state.ts'
import { hoverAt } from '../state/view.ts'
import { type Cell, countOf, type HeatChart, heatChart, limitsOf, moved } from './heat-chart.ts'
import { heatOptions, shadeColor } from './heat-options.ts'
import { HeatTable } from './heat-table.tsx'
import { ht, rowText } from './state.ts'

const JUMP = 10
const MOVES: Readonly<Record<string, readonly [columns: number, rows: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
  PageUp: [-JUMP, 0],
  PageDown: [JUMP, 0],
  Home: [Number.NEGATIVE_INFINITY, 0],
  End: [Number.POSITIVE_INFINITY, 0],
}

/** How many requests took how long, over time. */
export function HeatView() {
  const range = parts.value?.range
  if (range === undefined) return null
  const chart = heatChart(range, columns.value, f.value)
  return asTables.value ? <HeatTable chart={chart} range={range} /> : <HeatMap chart={chart} />
}

function HeatMap({ chart }: { readonly chart: HeatChart }) {
  const texts = ht.value
  const [cell, setCell] = useState<Cell | undefined>()
  const [said, say] = useState('')
  const latest = useRef(chart)
  latest.current = chart
  const plot = useRef<uPlot | undefined>(undefined)
  const current = cell !== undefined && chart.times.includes(cell.at) ? cell : undefined
  // New data moves the cursor of a chart too, and drawing it again must not do so without end.
  const point = (next: Cell): void => {
    setCell((before) => (before?.at === next.at && before.row === next.row ? before : next))
  }
  const show = (next: Cell | undefined): void => {
    setCell(next)
    say(next === undefined ? '' : cellTexts(next, chart).join(', '))
    hoverAt.value = next?.at
  }
  const press = (event: KeyboardEvent): void => {
    const move = MOVES[event.key]
    if (move === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    show(moved(chart, current, ...move))
  }
  const { lowest, highest } = chart.rows
  const from = limitsOf(chart.zeroRow ?? lowest, chart).from
  return (
    <>
      <div class="drawn">
        <div
          class="heat"
          role="application"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys move between its cells
          tabIndex={0}
          aria-label={texts.label(
            f.value.count(chart.total),
            f.value.duration(from),
            f.value.duration(bandStart(highest + 1)),
          )}
          aria-describedby="heat-keys"
          onKeyDown={press}
          onFocus={({ currentTarget }) => currentTarget.matches(':focus-visible') && show(moved(chart, current, 0, 0))}
          onBlur={() => show(undefined)}
          onPointerLeave={() => setCell(undefined)}
        >
          <Plot
            name="heat"
            chart={chart}
            label={t.value.latency}
            isLog={true}
            options={(_, element) =>
              heatOptions(
                () => latest.current,
                element,
                point,
                (made) => {
                  plot.current = made
                },
              )
            }
          >
            {current !== undefined && <Mark cell={current} chart={chart} plot={plot.current} />}
            {current !== undefined && <CellNote cell={current} chart={chart} />}
          </Plot>
        </div>
        {chart.total === 0 && <Empty text={columns.value.length === 0 ? t.value.noRequests : t.value.noLatencies} />}
      </div>
      <p class="visually-hidden" role="status">
        {said}
      </p>
      <HeatLegend chart={chart} />
    </>
  )
}

/** Its range, its count and its share, after its time. */
function cellTexts(cell: Cell, chart: HeatChart): readonly [string, string, string, string] {
  const range = parts.peek()?.range ?? { from: 0, to: 1 }
  const { count, all } = countOf(chart, cell)
  return [
    momentLabel(cell.at, range.from, range.to, f.value),
    rowText(cell.row, chart),
    ht.value.requests(f.value.count(count)),
    ht.value.share(f.value.percent(all === 0 ? 0 : count / all), f.value.count(all)),
  ]
}

/** A frame around the cell. */
function Mark({
  cell,
  chart,
  plot,
}: {
  readonly cell: Cell
  readonly chart: HeatChart
  readonly plot: uPlot | undefined
}) {
  if (plot === undefined) return null
  const left = plot.valToPos(cell.at / 1_000, 'x')
  const right = plot.valToPos((cell.at + chart.stepMs) / 1_000, 'x')
  const top = plot.valToPos(bandStart(cell.row + 1), 'y')
  const bottom = plot.valToPos(bandStart(cell.row), 'y')
  return (
    <div
      class="heat-mark"
      style={{
        left: `${plot.over.offsetLeft + left}px`,
        top: `${plot.over.offsetTop + top}px`,
        width: `${Math.max(4, right - left)}px`,
        height: `${Math.max(4, bottom - top)}px`,
      }}
    />
  )
}

function CellNote({ cell, chart }: { readonly cell: Cell; readonly chart: HeatChart }) {
  const range = parts.value?.range
  if (range === undefined) return null
  const [time, latency, requests, share] = cellTexts(cell, chart)
  const isRight = cell.at > (range.from + range.to) / 2
  return (
    <div class={`readout heat-note ${isRight ? 'at-left' : 'at-right'}`} aria-hidden="true">
      <p class="quiet">
        {time}
        {unfinishedOf(range, now.value) === cell.at && ` · ${t.value.unfinished}`}
      </p>
      <p>
        <strong>{latency}</strong>
      </p>
      <p>
        {requests} · {share}
      </p>
    </div>
  )
}

/** What the shades mean. */
function HeatLegend({ chart: { steps } }: { readonly chart: HeatChart }) {
  const texts = ht.value
  const format = f.value
  return (
    <>
      <ul class="legend heat-legend">
        {steps.length > 0 && <li>{texts.perCell}</li>}
        {steps.map((least, shade) => {
          const next = steps[shade + 1]
          const most = next === undefined ? undefined : next - 1
          return (
            <li key={least}>
              <span class="key" aria-hidden="true" style={{ background: shadeColor(shade, steps.length) }} />{' '}
              {most === undefined
                ? texts.atLeast(format.count(least))
                : most === least
                  ? format.count(least)
                  : `${format.count(least)}–${format.count(most)}`}
            </li>
          )
        })}
      </ul>
      <p class="visually-hidden" id="heat-keys">
        {texts.keys}
      </p>
    </>
  )
}
