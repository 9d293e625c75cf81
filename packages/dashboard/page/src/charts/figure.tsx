import type { ComponentChildren } from 'preact'
import { asTables, columns, f, parts, t } from '../state/state.ts'
import type { Chart } from './chart.ts'
import { momentLabel } from './time-labels.ts'

interface FigureProps {
  readonly name: string
  readonly title: string
  /** Text beside the title, such as the unit. */
  readonly unit: string
  readonly chart: Chart
  readonly controls: ComponentChildren
  /** Whether the children show their table themselves. */
  readonly hasTable?: boolean
  readonly children: ComponentChildren
}

const ROWS_MAX = 200

/** A chart with its title and its switches, or its table. */
export function Figure({ name, title, unit, chart, controls, hasTable = false, children }: FigureProps) {
  const texts = t.value
  return (
    <section class="figure">
      <div class="figure-head">
        <h2 id={`${name}-title`}>
          {title} <span class="quiet">{unit}</span>
        </h2>
        <div class="switches">
          {controls}
          <button type="button" aria-pressed={asTables.value} onClick={() => (asTables.value = !asTables.value)}>
            {texts.table}
          </button>
        </div>
      </div>
      {asTables.value && !hasTable ? <ChartTable name={name} chart={chart} /> : children}
    </section>
  )
}

function ChartTable({ name, chart }: { readonly name: string; readonly chart: Chart }) {
  const texts = t.value
  const range = parts.value?.range
  const logged = new Set(columns.value.map(([at]) => at))
  const series = chart.series.toReversed()
  const rows = chart.times.map((at, index) => ({ at, index })).filter(({ at }) => logged.has(at))
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable area must be reachable by keyboard */}
      <section class="scroll" tabIndex={0} aria-labelledby={`${name}-title`}>
        <table data-table={name}>
          <thead>
            <tr>
              <th scope="col">{texts.time}</th>
              {series.map(({ name: key, label }) => (
                <th key={key} scope="col">
                  {label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows
              .slice(-ROWS_MAX)
              .toReversed()
              .map(({ at, index }) => (
                <tr key={at}>
                  <th scope="row">{range === undefined ? '' : momentLabel(at, range.from, range.to, f.value)}</th>
                  {series.map(({ name: key, values }) => {
                    const value = values[index]
                    return <td key={key}>{value === null || value === undefined ? '—' : chart.format(value)}</td>
                  })}
                </tr>
              ))}
          </tbody>
        </table>
      </section>
      <p class="quiet note">{texts.rowsOf(f.value.count(rows.length), f.value.duration(chart.stepMs))}</p>
    </>
  )
}
