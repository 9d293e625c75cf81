import { f, now, parts, t } from '../state/state.ts'
import { type Chart, type Series, unfinishedOf } from './chart.ts'
import { cssPaint } from './paint.ts'

/** Names the series of a chart, and says what the hatched column is. */
export function Legend({ chart }: { readonly chart: Chart }) {
  const range = parts.value?.range
  const hasUnfinished = range !== undefined && unfinishedOf(range, now.value) !== undefined
  return (
    <ul class="legend">
      {chart.series.toReversed().map((series) => (
        <li key={series.name}>
          <Key series={series} kind={chart.kind} /> {series.label}
        </li>
      ))}
      {hasUnfinished && (
        <li>
          <span class="key unfinished" aria-hidden="true" /> {t.value.unfinishedColumn(f.value.duration(chart.stepMs))}
        </li>
      )}
    </ul>
  )
}

/** What a series looks like. */
export function Key({ series, kind }: { readonly series: Series; readonly kind: Chart['kind'] }) {
  if (kind === 'stack') return <span class="key" aria-hidden="true" style={{ background: cssPaint(series.paint) }} />
  return (
    <svg class="key-line" viewBox="0 0 20 4" aria-hidden="true">
      <line
        x1="0"
        x2="20"
        y1="2"
        y2="2"
        stroke-width="2"
        stroke-dasharray={series.dash.join(' ')}
        style={{ stroke: series.paint.color }}
      />
    </svg>
  )
}
