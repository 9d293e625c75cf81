import { barsOf } from '../../../src/report/bars.ts'
import type { Column } from '../../../src/report/view.ts'
import { columns, f, parts, t } from '../state/state.ts'
import { rateText } from '../tables/rate.ts'

/** The key figures, each with its trend and its value in the previous range. */
export function Tiles() {
  const data = parts.value
  if (data === undefined) return null
  const texts = t.value
  const format = f.value
  const { summary, before, covered } = data
  const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)
  const rate = rateText(summary.requests, covered)
  const { mean, p50, p95, p99 } = summary.latency_ms
  const retryRatio = (requests: number, retries: number): string =>
    requests === 0 ? '—' : format.ratio(retries / requests)
  return (
    <dl class="tiles">
      <Tile
        name="requests"
        label={texts.requests}
        value={format.count(summary.requests)}
        note={rate}
        before={format.count(before.requests)}
        select={requestsOf}
      />
      <Tile
        name="server"
        label={texts.serverErrors}
        value={format.count(summary.server_errors)}
        note={texts.ofAll(format.percent(share(summary.server_errors, summary.requests)))}
        before={format.percent(share(before.server_errors, before.requests))}
        select={([, , , server]) => server}
      />
      <Tile
        name="client"
        label={texts.clientErrors}
        value={format.count(summary.client_errors)}
        note={texts.ofAll(format.percent(share(summary.client_errors, summary.requests)))}
        before={format.percent(share(before.client_errors, before.requests))}
        select={([, , client]) => client}
      />
      <Tile
        name="latency"
        label={texts.meanLatency}
        value={format.duration(mean)}
        note={`${texts.percentiles}: ${[p50, p95, p99].map(format.duration).join(' / ')}`}
        before={format.duration(before.latency_ms.mean)}
        select={(column) => (column[8] ?? 0) * requestsOf(column)}
        per={(column) => (column[8] === null ? 0 : requestsOf(column))}
      />
      <Tile
        name="retries"
        label={texts.retries}
        value={retryRatio(summary.requests, summary.events['retry.attempt'] ?? 0)}
        note={texts.retriesInAll(format.count(summary.events['retry.attempt'] ?? 0))}
        before={retryRatio(before.requests, before.events['retry.attempt'] ?? 0)}
        select={([, , , , , , , retries]) => retries}
        per={requestsOf}
      />
    </dl>
  )
}

interface TileProps {
  readonly name: string
  readonly label: string
  readonly value: string
  readonly note: string
  readonly before: string
  /** What the bars show: the sum of this, divided by that of `per` if there is one. */
  readonly select: (column: Column) => number
  readonly per?: (column: Column) => number
}

function Tile({ name, label, value, note, before, select, per }: TileProps) {
  return (
    <div class={`tile ${name}`}>
      <dt>{label}</dt>
      <dd class="value" data-tile={name}>
        {value}
      </dd>
      <dd class="note">{note}</dd>
      <dd class="note quiet" title={baseline()}>
        {t.value.sameSpanBefore((parts.value?.before.requests ?? 0) === 0 ? t.value.nothingBefore : before)}
      </dd>
      <dd aria-hidden="true">
        <Spark select={select} per={per} />
      </dd>
    </div>
  )
}

/** The times of the span that is compared with. */
function baseline(): string {
  const range = parts.value?.range
  if (range === undefined) return ''
  return `${f.value.day(2 * range.from - range.to)} – ${f.value.day(range.from)}`
}

const BARS_MAX = 30

function requestsOf([, good, client, server]: Column): number {
  return good + client + server
}

interface SparkProps {
  readonly select: (column: Column) => number
  readonly per: ((column: Column) => number) | undefined
}

function Spark({ select, per }: SparkProps) {
  const range = parts.value?.range
  if (range === undefined) return null
  const bars = barsOf(range, BARS_MAX)
  const sums = new Array<number>(bars.count).fill(0)
  const bases = new Array<number>(bars.count).fill(0)
  for (const column of columns.value) {
    if (column[0] < range.from || column[0] >= range.to) continue
    const at = bars.of(column[0])
    sums[at] = (sums[at] ?? 0) + select(column)
    bases[at] = (bases[at] ?? 0) + (per?.(column) ?? 0)
  }
  const heights = per === undefined ? sums : sums.map((sum, at) => sum / (bases[at] || 1))
  const highest = Math.max(...heights)
  if (highest === 0) return <svg class="spark" aria-hidden="true" />
  return (
    <svg class="spark" aria-hidden="true" viewBox={`0 0 ${bars.count * 4} 24`} preserveAspectRatio="none">
      {heights.map((height, at) => {
        const scaled = height === 0 ? 0 : Math.max(1, (height / highest) * 24)
        return <rect key={at} x={at * 4} y={24 - scaled} width={3} height={scaled} />
      })}
    </svg>
  )
}
