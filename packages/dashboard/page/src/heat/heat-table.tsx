import type { Parts } from '../../../src/report/view.ts'
import { momentLabel } from '../charts/time-labels.ts'
import { f, t } from '../state/state.ts'
import type { HeatChart } from './heat-chart.ts'
import { ht, rowText } from './state.ts'

const ROWS_MAX = 200

/** The heatmap as a table: a row for the whole range, then one for each column, the newest first. */
export function HeatTable({ chart, range }: { readonly chart: HeatChart; readonly range: Parts['range'] }) {
  const texts = ht.value
  const columns = [...chart.cells].sort(([a], [b]) => b - a)
  const whole = new Map<number, number>()
  for (const [, counts] of columns) for (const [row, count] of counts) whole.set(row, (whole.get(row) ?? 0) + count)
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable area must be reachable by keyboard */}
      <section class="scroll" tabIndex={0} aria-labelledby="latency-chart-title">
        <table class="heat-table" data-table="heat">
          <thead>
            <tr>
              <th scope="col">{t.value.time}</th>
              <th scope="col">{texts.count}</th>
              <th scope="col">{texts.latencies}</th>
            </tr>
          </thead>
          <tbody>
            <Row name={texts.whole} counts={whole} chart={chart} />
            {columns.slice(0, ROWS_MAX).map(([at, counts]) => (
              <Row key={at} name={momentLabel(at, range.from, range.to, f.value)} counts={counts} chart={chart} />
            ))}
          </tbody>
        </table>
      </section>
      <p class="quiet note">{texts.columns(f.value.count(columns.length), f.value.duration(chart.stepMs))}</p>
    </>
  )
}

interface RowProps {
  readonly name: string
  readonly counts: ReadonlyMap<number, number>
  readonly chart: HeatChart
}

function Row({ name, counts, chart }: RowProps) {
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{f.value.count(all)}</td>
      <td>
        <ul>
          {[...counts]
            .sort(([a], [b]) => a - b)
            .map(([row, count]) => (
              <li key={row}>
                {rowText(row, chart)}: <strong>{f.value.count(count)}</strong> (
                {f.value.percent(Number((count / all).toPrecision(3)))})
              </li>
            ))}
        </ul>
      </td>
    </tr>
  )
}
