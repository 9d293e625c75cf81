import { LatencyHistogram } from '../counts/latency-histogram.ts'
import { ANSWERED } from '../report/selection.ts'
import type { Window } from '../verdict/situation.ts'
import type { EngineClient } from './engine-client.ts'
import { type Apart, selectionPipes } from './engine-columns.ts'
import { RowNames } from './engine-counts.ts'
import type { EngineFields } from './engine-fields.ts'
import { BUCKET, bucketOf, latencyPipes, slowerThan } from './engine-latency.ts'
import { oneOf, quoted, timeFilter } from './logsql.ts'
import { FROM_PATH, routePipes } from './route-pipes.ts'

const WINDOW_MS = 60_000
/** A line that is ahead by less belongs to now. */
const AHEAD_MS = 5_001
const CRITICAL = ['critical', 'fatal', 'CRITICAL', 'FATAL', 'panic', 'emergency', 'alert']

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** The counts of 60 seconds without anything. */
export function emptyWindow(): Window {
  const counts = { requests: 0, failures: 0, clientErrors: 0, degraded: 0, slow: 0, p95Ms: null }
  const entries = { entries: 0, entryFailures: 0, entryDegraded: 0 }
  return { ...counts, ...entries, probes: 0, probeFailures: 0, criticals: 0, firstCriticalAt: undefined }
}

/** Asks for the counts of the 60 seconds that end at a moment, by service. */
export async function windowsAt(
  client: EngineClient,
  fields: EngineFields,
  moment: number,
  slowerThanMs: number | undefined,
  apart: Apart,
  only?: string,
): Promise<ReadonlyMap<string, Window>> {
  const from = (Math.floor(moment / 1_000) - WINDOW_MS / 1_000 + 1) * 1_000
  const time = timeFilter(from, moment + AHEAD_MS)
  const { service, event, level } = fields
  const chosen = only === undefined ? '' : ` ${service}:=${quoted(only)}`
  const names = new RowNames(fields)
  const windows = new Map<string, Mutable<Window>>()
  const of = (name: string): Mutable<Window> => {
    let window = windows.get(name)
    if (window === undefined) {
      window = emptyWindow()
      windows.set(name, window)
    }
    return window
  }
  await addRequests(client, fields, `${time}${chosen}`, slowerThanMs, apart, names, of)
  const marks = await client.rows(
    `${time}${chosen} (${oneOf(level, CRITICAL)} or ${oneOf(event, ['fallback', 'policy.summary'])}) | stats by (${service}) ` +
      `count() if (${oneOf(level, CRITICAL)}) as c, min(_time) if (${oneOf(level, CRITICAL)}) as first, ` +
      `count() if (${event}:="fallback") as f, sum("counts.fallback") if (${event}:="policy.summary") as s`,
  )
  for (const row of marks) {
    const window = of(names.service(row))
    window.criticals = Number(row['c'])
    const first = Date.parse(row['first'] ?? '')
    window.firstCriticalAt = Number.isNaN(first) ? undefined : first
    window.degraded = Math.max(window.degraded, Number(row['f']) + (Number(row['s']) || 0))
  }
  return windows
}

async function addRequests(
  client: EngineClient,
  fields: EngineFields,
  time: string,
  slowerThanMs: number | undefined,
  apart: Apart,
  names: RowNames,
  of: (name: string) => Mutable<Window>,
): Promise<void> {
  const { request, service, status, latency, parent, route } = fields
  const failed = `${status}:range[500, 599]`
  const slow = slowerThanMs === undefined ? '' : `, count() if (${slowerThan(fields, slowerThanMs)} !${failed}) as w`
  const rows = await client.rows(
    [
      `${time} ${request}`,
      selectionPipes(fields, ANSWERED, apart),
      latencyPipes(fields),
      `stats by (${service}, ${BUCKET}) count() as n, count(${latency}) as l, count() if (${failed}) as f, ` +
        `count() if (${status}:range[400, 499]) as c, count() if (degraded:=true) as d, count() if (${parent}:*) as hn, ` +
        `count() if (${parent}:* ${failed}) as hf, count() if (${parent}:* degraded:=true) as hd${slow}`,
    ]
      .filter((part) => part !== '')
      .join(' | '),
  )
  const histograms = new Map<string, LatencyHistogram>()
  for (const row of rows) {
    const name = names.service(row)
    const window = of(name)
    const share = apart.hopServices.has(name) ? 1 : 0
    const [requests, failures, degraded] = [Number(row['n']), Number(row['f']), Number(row['d'])]
    window.requests += requests
    window.failures += failures
    window.clientErrors += Number(row['c'])
    window.degraded += degraded
    window.slow += Number(row['w'] ?? 0)
    window.entries += requests - share * Number(row['hn'])
    window.entryFailures += failures - share * Number(row['hf'])
    window.entryDegraded += degraded - share * Number(row['hd'])
    const histogram = histograms.get(name) ?? new LatencyHistogram()
    histogram.addMany(bucketOf(row[BUCKET]), Number(row['l']))
    histograms.set(name, histogram)
  }
  for (const [name, histogram] of histograms) of(name).p95Ms = histogram.percentile(0.95)
  if (apart.probes.length === 0) return
  const probes = [...apart.probes, ...apart.probes.map((probe) => FROM_PATH + probe)]
  const checks = await client.rows(
    `${time} ${request} | ${routePipes(fields)} | filter ${oneOf(route, probes)} | stats by (${service}) count() as n, count() if (${failed}) as f`,
  )
  for (const row of checks) {
    const window = of(names.service(row))
    window.probes = Number(row['n'])
    window.probeFailures = Number(row['f'])
  }
}
