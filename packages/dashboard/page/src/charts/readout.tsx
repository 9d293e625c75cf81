import { f, now, parts, t } from '../state/state.ts'
import { hoverAt } from '../state/view.ts'
import { type Chart, unfinishedOf } from './chart.ts'
import { Key } from './legend.tsx'
import { momentLabel } from './time-labels.ts'

/** The values of the column under the pointer, with their units. */
export function Readout({ chart }: { readonly chart: Chart }) {
  const at = hoverAt.value
  const range = parts.value?.range
  if (at === undefined || range === undefined) return null
  const index = chart.times.indexOf(at)
  if (index === -1) return null
  const isRight = at > (range.from + range.to) / 2
  const rows = chart.series.filter(({ values }) => {
    const value = values[index]
    return chart.kind === 'lines' ? value !== null : (value ?? 0) > 0
  })
  return (
    <div class={`readout ${isRight ? 'at-left' : 'at-right'}`} aria-hidden="true">
      <p class="quiet">
        {momentLabel(at, range.from, range.to, f.value)}
        {unfinishedOf(range, now.value) === at && ` · ${t.value.unfinished}`}
      </p>
      {rows.length === 0 && <p>{chart.kind === 'lines' ? t.value.noValue : chart.format(0)}</p>}
      <ul>
        {rows.toReversed().map((series) => (
          <li key={series.name}>
            <Key series={series} kind={chart.kind} />
            <span>{series.label}</span>
            <strong>{chart.format(series.values[index] ?? 0)}</strong>
          </li>
        ))}
      </ul>
    </div>
  )
}
