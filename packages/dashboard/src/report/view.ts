import type { BreakerHistory } from '../counts/breakers.ts'
import type { Cells } from '../counts/cells.ts'
import { LatencyHistogram } from '../counts/latency-histogram.ts'
import type { Tally } from '../counts/timeline.ts'
import type { LogFiles } from '../journal/log-files.ts'
import type { Health } from './health.ts'
import { RANGES } from './ranges.ts'
import { figures, type Range, type Summary, summarize, tallyOf } from './summary.ts'

const ERRORS_SHOWN = 50

/** One chart column: start time, requests below 400, 4xx, 5xx, latency percentiles in ms, and retries. */
export type Column = readonly [
  at: number,
  good: number,
  client: number,
  server: number,
  p50: number | null,
  p95: number | null,
  p99: number | null,
  retries: number,
]

/** A breaker and its changes within the range. `before` is its state at the start of the range. */
export interface Lane {
  readonly service: string
  readonly shield: string
  readonly policy: string
  readonly state: string
  readonly since: number | undefined
  readonly before: string
  readonly changes: readonly { readonly at: number; readonly to: string; readonly traceId: string | undefined }[]
}

/** The parts of the page's data. Each is sent when it has changed. */
export interface Parts {
  readonly range: Range & { readonly seconds: number; readonly stepMs: number; readonly isNow: boolean }
  /** The verdict. It is about now, whatever the range is. */
  readonly health: Health
  readonly summary: Summary
  readonly before: Omit<Summary, 'breakers' | 'lines' | 'files'>
  readonly lanes: readonly Lane[]
  readonly errors: readonly object[]
  readonly progress: {
    readonly read: number
    readonly all: number
    readonly newest: number | null
    readonly localTimes: boolean
  }
}

/** Returns the range of `seconds` that ends now. If nothing was logged in it, it ends at the newest line. */
export function rangeOf(files: LogFiles, seconds: number, now: number): Parts['range'] {
  const stepMs = (RANGES.get(seconds) ?? 60) * 1_000
  const newest = newestOf(files)
  const isNow = newest === null || newest >= now - seconds * 1_000
  const to = (Math.floor((isNow ? now : newest) / stepMs) + 1) * stepMs
  return { seconds, stepMs, from: to - seconds * 1_000, to, isNow }
}

/** Returns all data of a range for the page, except columns and tail. */
export function partsOf(files: LogFiles, range: Parts['range'], health: Health): Parts {
  const { journal } = files
  const before = { from: range.from - range.seconds * 1_000, to: range.from }
  return {
    range,
    health,
    summary: summarize(files, range),
    before: figures(tallyOf(files, before), journal.cells),
    lanes: lanesOf(files, range, health),
    errors: journal.errors.newest(ERRORS_SHOWN).toReversed(),
    progress: {
      ...files.backfilling,
      newest: newestOf(files),
      localTimes: files.all.some(({ log }) => log.facts.hasLocalTimes),
    },
  }
}

/** Returns the columns of a range that changed after `revision`, ordered by time. */
export function columnsOf(files: LogFiles, range: Parts['range'], revision: number): readonly Column[] {
  const slots = new Map<number, Tally[]>()
  const changed = new Set<number>()
  for (const timeline of files.timelines) {
    const stepMs = timeline.stepFor(range.from, range.to)
    for (const [at, slot] of timeline.between(stepMs, range.from, range.to)) {
      const column = Math.floor(at / range.stepMs) * range.stepMs
      const known = slots.get(column)
      if (known === undefined) slots.set(column, [slot])
      else known.push(slot)
      if (slot.revision > revision) changed.add(column)
    }
  }
  return [...changed].sort((a, b) => a - b).map((at) => columnOf(at, slots.get(at) ?? [], files.journal.cells))
}

function columnOf(at: number, slots: readonly Tally[], cells: Cells): Column {
  const latency = new LatencyHistogram()
  let [good, client, server, retries] = [0, 0, 0, 0]
  for (const slot of slots) {
    latency.merge(slot.latency)
    for (const [number, { count }] of slot.cells) {
      const key = cells.key(number)
      if (key.type === 'apart') continue
      if (key.type === 'event') retries += key.name === 'retry.attempt' ? count : 0
      else if (key.status === undefined || key.status < 400) good += count
      else if (key.status < 500) client += count
      else server += count
    }
  }
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => rounded(latency.percentile(share)))
  return [at, good, client, server, p50 ?? null, p95 ?? null, p99 ?? null, retries]
}

function lanesOf(files: LogFiles, range: Range, health: Health): readonly Lane[] {
  return files.journal.breakers.all.map((breaker) => {
    const aheadMs = health.services.find(({ name }) => name === breaker.service)?.clock_ahead_ms ?? 0
    const own = breaker.changes.items
    const items = aheadMs === 0 ? own : own.map((change) => ({ ...change, at: change.at - aheadMs }))
    const within = items.filter(({ at }) => at >= range.from && at < range.to)
    const before = items.findLast(({ at }) => at < range.from)?.to ?? within[0]?.from ?? breaker.state
    return {
      service: breaker.service,
      shield: breaker.shield,
      policy: breaker.policy,
      state: stateOf(breaker, health),
      since: items.at(-1)?.at,
      before,
      changes: within.map(({ at, to, traceId }) => ({ at, to, traceId })),
    }
  })
}

/** The state of a breaker. A restart of its process makes an open one unknown. */
function stateOf({ service, shield, policy, state }: BreakerHistory, health: Health): string {
  if (state === 'closed') return state
  const open = health.services.find(({ name }) => name === service)?.open_breakers
  return open?.some((breaker) => breaker.shield === shield && breaker.policy === policy) ? state : 'unknown'
}

function newestOf(files: LogFiles): number | null {
  const newest = Math.max(...files.timelines.map((timeline) => timeline.newest))
  return Number.isFinite(newest) ? newest : null
}

function rounded(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(4))
}
