import { bandsOf } from '../report/bands.ts'
import type { Lane } from '../report/lanes.ts'
import type { Row, Table } from '../report/tables.ts'
import type { Shown } from './csv-tables.ts'
import { Html, html } from './html.ts'
import { type ChartFrame, laneChart, lineChart, type Series, stackedChart } from './svg-charts.ts'
import { type formatsOf, signOf, type TEXTS, textFor } from './wording.ts'

/** What a section needs: the figures, and the language. */
export interface Section extends Shown {
  readonly texts: (typeof TEXTS)['en']
  readonly format: ReturnType<typeof formatsOf>
  /** Headings that the page does not have. */
  readonly headings: { readonly state: string; readonly code: string; readonly message: string }
}

const CLASSES: readonly Series[] = [
  { name: 'good', of: (column) => column[1] },
  { name: 'client', of: (column) => column[2] },
  { name: 'server', of: (column) => column[3] },
]
const LATENCIES: readonly Series[] = [
  { name: 'p50', of: (column) => column[4] },
  { name: 'p95', of: (column) => column[5] },
  { name: 'p99', of: (column) => column[6] },
  { name: 'mean', of: (column) => column[8] },
]

/** A pattern, so that client errors and probing breakers differ not only in colour. */
const HATCH = html`<svg class="defs" aria-hidden="true"><defs><pattern id="hatch" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch" width="2.5" height="4"/></pattern></defs></svg>`

/** The key figures. */
export function tilesSection({ parts, texts, format }: Section): Html {
  const { summary } = parts
  const { mean, p50, p95, p99 } = summary.latency_ms
  const retries = summary.events['retry.attempt'] ?? 0
  const share = (part: number): string => format.percent(summary.requests === 0 ? 0 : part / summary.requests)
  const tile = (label: string, value: string, note: string): Html =>
    html`<div><dt>${label}</dt><dd class="value">${value}</dd><dd class="quiet">${note}</dd></div>`
  return html`<dl>
${tile(texts.requests, format.count(summary.requests), '')}
${tile(texts.serverErrors, format.count(summary.server_errors), share(summary.server_errors))}
${tile(texts.clientErrors, format.count(summary.client_errors), share(summary.client_errors))}
${tile(texts.meanLatency, format.duration(mean), `${texts.percentiles}: ${[p50, p95, p99].map(format.duration).join(' / ')}`)}
${tile(texts.retries, summary.requests === 0 ? '—' : format.ratio(retries / summary.requests), '')}
</dl>`
}

/** Requests and latencies over time, each with its table. */
export function chartsSection(section: Section): Html {
  const { parts, columns, texts, format } = section
  const { from, to, stepMs } = parts.range
  const timeText = to - from > 43_200_000 ? format.day : format.clock
  const frame = { from, to, stepMs, timeText }
  const names = { good: texts.good, client: texts.client, server: texts.server, mean: texts.mean }
  const chart = (
    title: string,
    series: readonly Series[],
    draw: typeof lineChart,
    valueText: ChartFrame['valueText'],
    legend: Html,
  ): Html => {
    const heading = series.map(({ name }) => html`<th class="n" scope="col">${names[name as 'good'] ?? name}</th>`)
    const rows = columns.map((column) => {
      const cells = series.map(({ of }) => html`<td class="n">${valueOrDash(of(column), valueText)}</td>`)
      return html`<tr><th scope="row">${format.day(column[0])}</th>${cells}</tr>`
    })
    return html`<figure><h2>${title}</h2><div class="scroll" tabindex="0" role="region" aria-label="${title}">${draw(columns, series, { ...frame, label: title, valueText })}</div>
<p class="legend">${legend}</p><details><summary>${texts.table}: ${title}</summary>
<table><thead><tr><th scope="col">${texts.time}</th>${heading}</tr></thead><tbody>${rows}</tbody></table></details></figure>`
  }
  const boxes = CLASSES.map(
    ({ name }) =>
      html`<svg class="key" viewBox="0 0 20 10" aria-hidden="true"><rect class="${name}" width="20" height="10"/></svg>${names[name as 'good']}`,
  )
  const lines = LATENCIES.map(
    ({ name }) =>
      html`<svg class="key" viewBox="0 0 20 10" aria-hidden="true"><path class="${name}" d="M0 5H20"/></svg>${names[name as 'mean'] ?? name}`,
  )
  return html`${HATCH}<div class="charts">
${chart(texts.requestsByClass, CLASSES, stackedChart, format.count, new Html(boxes.map(({ text }) => text).join('')))}
${chart(texts.latency, LATENCIES, lineChart, format.duration, new Html(lines.map(({ text }) => text).join('')))}
</div>`
}

/** The tables of services and of routes. */
export function tablesSection({ parts, texts, format, headings }: Section): Html {
  const figures = (row: Row): Html =>
    html`<td class="n">${format.count(row.requests)}</td><td class="n">${format.count(row.server)}</td><td class="n">${format.count(row.client)}</td>${[row.p50, row.p95, row.p99].map((value) => html`<td class="n">${format.duration(value)}</td>`)}`
  const table = (title: string, heading: readonly string[], { rows }: Table, label: (row: Row) => Html): Html =>
    tableOf(
      title,
      [...heading, texts.requests, '5xx', '4xx', 'p50', 'p95', 'p99'],
      heading.length,
      rows.map((row) => html`<tr>${label(row)}${figures(row)}</tr>`),
    )
  return html`
${table(texts.servicesTable, [texts.service, headings.state], parts.tables.services, (row) => html`<th scope="row">${row.service}</th><td>${row.state === undefined ? '' : `${signOf(row.state)} ${texts.stateNames[row.state]}`}</td>`)}
${table(texts.routesTable, [texts.service, texts.route], parts.tables.routes, ({ service, route }) => html`<th scope="row">${service}</th><td>${route ?? texts.noRoute}</td>`)}`
}

/** The lanes of the breakers, and each of their changes. */
export function breakersSection({ parts, texts, format, headings }: Section): Html {
  const { lanes, range } = parts
  if (lanes.length === 0) return html`<h2>${texts.breakers}</h2><p class="quiet">${texts.noBreakers}</p>`
  const nameOf = ({ service, shield, policy }: Lane): string => `${service} → ${shield || policy}`
  const stateName = (state: string): string => textFor(texts.states, state)
  const rows = lanes.map((lane) => {
    const label = `${nameOf(lane)}: ${stateName(lane.state)}`
    return html`<tr><th scope="row">${nameOf(lane)}</th><td>${stateName(lane.state)}</td><td>${laneChart(bandsOf(lane, range), { ...range, label })}</td></tr>`
  })
  const changes = lanes
    .flatMap((lane) => lane.changes.map((change) => ({ lane, change })))
    .sort((a, b) => b.change.at - a.change.at)
    .map(({ lane, change: { at, from, to, reason, error, instance } }) => {
      const text = [instance, `${stateName(from)} → ${stateName(to)}`, reason, error].filter((part) => part).join(' · ')
      return html`<tr><th scope="row">${format.date(at)}, ${format.clockExact(at)}</th><td>${nameOf(lane)}</td><td>${text}</td></tr>`
    })
  return html`${tableOf(texts.breakers, [texts.breaker, headings.state, texts.time], 3, rows)}
${changes.length === 0 ? undefined : tableOf(texts.changesTitle, [texts.time, texts.breaker, texts.change], 3, changes)}`
}

/** The groups of errors. */
export function errorsSection({ parts, texts, format, headings }: Section): Html {
  const { groups } = parts.groups
  if (groups.length === 0) return html`<h2>${texts.errorGroups}</h2><p class="quiet">${texts.noCodes}</p>`
  const rows = groups.map(
    ({ service, code, message, kind, count, first, last }) =>
      html`<tr><th scope="row">${code || texts.noCode}</th><td>${service}</td><td>${message}</td><td>${texts.kinds[kind]}</td><td>${format.day(first)}</td><td>${format.day(last)}</td><td class="n">${format.count(count)}</td></tr>`,
  )
  const heading = [headings.code, texts.service, headings.message, texts.kind, texts.firstSeen, texts.lastSeen]
  return tableOf(texts.errorGroups, [...heading, texts.count], heading.length, rows)
}

/** What was read, and what was not understood. */
export function sourcesSection({ parts, texts, format }: Section): Html {
  const [file = '', name = '', read = '', malformed = ''] = texts.sourceColumns
  const rows = parts.sources.files.map(
    (source) =>
      html`<tr><th scope="row"><code>${source.path}</code></th><td>${source.format ?? '—'}</td><td class="n">${format.count(source.recognised)} / ${format.count(source.read)}</td><td class="n">${format.count(source.malformed)}</td></tr>`,
  )
  return tableOf(texts.sources, [file, name, read, malformed], 2, rows)
}

function tableOf(title: string, heading: readonly string[], texts: number, rows: readonly Html[]): Html {
  const cells = heading.map(
    (name, index) => html`<th scope="col"${index < texts ? undefined : new Html(' class="n"')}>${name}</th>`,
  )
  return html`<h2>${title}</h2><div class="scroll" tabindex="0" role="region" aria-label="${title}"><table><thead><tr>${cells}</tr></thead><tbody>${rows}</tbody></table></div>`
}

function valueOrDash(value: number | null, text: (value: number) => string): string {
  return value === null ? '—' : text(value)
}
