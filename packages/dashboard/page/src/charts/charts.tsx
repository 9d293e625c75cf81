import type uPlot from 'uplot'
import type { Column } from '../../../src/report/view.ts'
import { asTables, columns, f, parts, t } from '../state/state.ts'
import { classOf } from '../text/status-class.ts'
import { Plot } from './plot.tsx'

/** Charts of requests by class and of latency over time, and a table of requests by status. */
export function Charts() {
  const texts = t.value
  return (
    <div class="charts">
      <Figure
        name="classes"
        title={texts.requestsByClass}
        headings={[texts.good, texts.client, texts.server]}
        cells={classCells}
      >
        <Plot kind="classes" data={stacked(columns.value)} labels={[texts.good, texts.client, texts.server]} />
      </Figure>
      <Figure name="latencies" title={texts.latency} headings={['p50', 'p95', 'p99']} cells={latencyCells}>
        <Plot kind="latencies" data={latencies(columns.value)} labels={['p50', 'p95', 'p99']} />
      </Figure>
      <ByStatus />
    </div>
  )
}

interface FigureProps {
  readonly name: string
  readonly title: string
  readonly headings: readonly string[]
  readonly cells: (column: Column) => readonly string[]
  readonly children: preact.ComponentChildren
}

const ROWS_MAX = 60

function Figure({ name, title, headings, cells, children }: FigureProps) {
  const texts = t.value
  return (
    <section class="figure">
      <div class="figure-head">
        <h2 id={`${name}-title`}>{title}</h2>
        <button type="button" aria-pressed={asTables.value} onClick={() => (asTables.value = !asTables.value)}>
          {asTables.value ? texts.chart : texts.table}
        </button>
      </div>
      {asTables.value ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable area must be reachable by keyboard
        <section class="scroll" tabIndex={0} aria-labelledby={`${name}-title`}>
          <table>
            <thead>
              <tr>
                {[texts.time, ...headings].map((heading) => (
                  <th key={heading} scope="col">
                    {heading}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {columns.value
                .slice(-ROWS_MAX)
                .toReversed()
                .map((column) => (
                  <tr key={column[0]}>
                    <th scope="row">{f.value.clock(column[0])}</th>
                    {cells(column).map((cell, index) => (
                      <td key={headings[index]}>{cell}</td>
                    ))}
                  </tr>
                ))}
            </tbody>
          </table>
        </section>
      ) : (
        children
      )}
    </section>
  )
}

function classCells([, good, client, server]: Column): readonly string[] {
  return [good, client, server].map(f.value.count)
}

function latencyCells([, , , , p50, p95, p99]: Column): readonly string[] {
  return [p50, p95, p99].map((value) => f.value.duration(value))
}

/** Returns every step of the range, so that a pause is drawn as a gap instead of a slope. */
function steps(): { readonly times: number[]; readonly at: ReadonlyMap<number, Column> } {
  const range = parts.value?.range
  const at = new Map(columns.value.map((column) => [column[0], column]))
  const times: number[] = []
  if (range !== undefined) for (let time = range.from; time < range.to; time += range.stepMs) times.push(time)
  return { times, at }
}

function stacked(_: readonly Column[]): uPlot.AlignedData {
  const { times, at } = steps()
  const rows = times.map((time) => at.get(time) ?? [time, 0, 0, 0])
  return [
    times.map((time) => time / 1_000),
    rows.map(([, good, client, server]) => good + client + server),
    // Null instead of 0: the edge of an equally high bar would show under the bar in front.
    rows.map(([, , client, server]) => (client > 0 ? client + server : null)),
    rows.map(([, , , server]) => (server > 0 ? server : null)),
  ]
}

function latencies(_: readonly Column[]): uPlot.AlignedData {
  const { times, at } = steps()
  const of = (index: 4 | 5 | 6) => times.map((time) => at.get(time)?.[index] ?? null)
  return [times.map((time) => time / 1_000), of(4), of(5), of(6)]
}

function ByStatus() {
  const texts = t.value
  const entries = Object.entries(parts.value?.summary.by_status ?? {})
  const most = Math.max(1, ...entries.map(([, count]) => count))
  return (
    <section class="figure statuses" aria-labelledby="status-title">
      <h2 id="status-title">{texts.byStatus}</h2>
      <table class="bars">
        <thead class="visually-hidden">
          <tr>
            <th scope="col">{texts.status}</th>
            <th scope="col">{texts.count}</th>
          </tr>
        </thead>
        <tbody id="by_status">
          {entries.map(([status, count]) => (
            <tr key={status} class={classOf(Number(status))}>
              <th scope="row">{status}</th>
              <td>
                <span class="bar" aria-hidden="true" style={{ width: `${(count / most) * 55}%` }} />
                <span>{f.value.count(count)}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
