import { Cells } from '../counts/cells.ts'
import { Tally } from '../counts/tally.ts'
import { isHealthCheck } from '../counts/watch/health-check.ts'
import type { Bars } from '../report/bars.ts'
import { EVERYTHING, type Selection, selects } from '../report/selection.ts'
import type { Range } from '../report/summary.ts'
import { type Column, columnOf } from '../report/view.ts'
import type { EngineClient, Row } from './engine-client.ts'
import { RowNames, sumIn } from './engine-counts.ts'
import type { EngineFields } from './engine-fields.ts'
import { BUCKET, bucketOf, LATENCY_MS, latencyPipes } from './engine-latency.ts'
import { oneOf, quoted, stepOf, timeFilter } from './logsql.ts'
import { FROM_PATH, routeFilter, routePipes } from './route-pipes.ts'

/** In charts, so many buckets of latencies count as one: percentiles are within 3 %. */
const WIDTH = 3

/** What tells the requests of users from others. */
export interface Apart {
  /** Routes that are health checks. */
  readonly probes: readonly string[]
  /** Services whose requests with a parent are hops. */
  readonly hopServices: ReadonlySet<string>
}

/** Events of policies by column and service. */
export type EventRow = { readonly at: number; readonly service: string; readonly name: string; readonly count: number }

/** Returns the pipes that leave only the selected requests. */
export function selectionPipes(fields: EngineFields, selection: Selection, { probes, hopServices }: Apart): string {
  const { service, route, parent } = fields
  const filters: string[] = []
  if (selection.service !== undefined) filters.push(`${service}:=${quoted(selection.service)}`)
  if (!selection.hops && hopServices.size > 0) filters.push(`!(${oneOf(service, [...hopServices])} ${parent}:*)`)
  const needsRoute = selection.route !== undefined || probes.length > 0
  const after: string[] = []
  if (selection.route !== undefined) after.push(routeFilter(fields, selection.route))
  if (!selection.probes && probes.length > 0)
    after.push(`!${oneOf(route, [...probes, ...probes.map((probe) => FROM_PATH + probe)])}`)
  return [
    ...(filters.length > 0 ? [`filter ${filters.join(' ')}`] : []),
    ...(needsRoute ? [routePipes(fields), `filter ${after.join(' ')}`] : []),
  ].join(' | ')
}

/** Asks for the columns of a range: selected requests over time, with their latencies. */
export async function columnsBetween(
  client: EngineClient,
  fields: EngineFields,
  { from, to }: Range,
  stepMs: number,
  selection: Selection,
  apart: Apart,
  events: readonly EventRow[],
): Promise<readonly Column[]> {
  const { request, status, latency } = fields
  const query = [
    `${timeFilter(from, to)} ${request}`,
    selectionPipes(fields, selection, apart),
    latencyPipes(fields, WIDTH),
    `stats by (_time:${stepOf(stepMs)}, ${status}, ${BUCKET}) count() as n, count(${latency}) as l, sum(${LATENCY_MS}) as s`,
  ]
  const rows = await client.rows(query.filter((part) => part !== '').join(' | '))
  return columnsOf(rows, fields, selection, events)
}

function columnsOf(
  rows: readonly Row[],
  fields: EngineFields,
  selection: Selection,
  events: readonly EventRow[],
): readonly Column[] {
  const names = new RowNames(fields)
  const cells = new Cells()
  const slots = new Map<number, Tally>()
  const slotAt = (at: number): Tally => {
    let slot = slots.get(at)
    if (slot === undefined) {
      slot = new Tally()
      slots.set(at, slot)
    }
    return slot
  }
  for (const row of rows) {
    // Selected already: neither its service nor its route matters here.
    const cell = cells.request(selection.service ?? '', names.status(row), undefined, undefined, selection.route)
    const count = { count: Number(row['n']), known: Number(row['l']), latencyMsSum: sumIn(row['s']) }
    slotAt(Date.parse(row['_time'] ?? '')).addMany('cells', cell, count, bucketOf(row[BUCKET], WIDTH))
  }
  for (const { at, service, name, count } of events) {
    const key = { type: 'event', service, name } as const
    if (!selects({ ...selection, route: undefined }, key)) continue
    slotAt(at).addMany('cells', cells.event(service, name), { count, known: 0, latencyMsSum: 0 }, 0)
  }
  const all = { ...EVERYTHING, service: selection.service, route: selection.route }
  return [...slots].sort(([a], [b]) => a - b).map(([at, slot]) => columnOf(at, [slot], cells, all))
}

/** The events that are counted by name. */
const EVENTS = [
  'retry.attempt',
  'circuit_breaker.rejected',
  'bulkhead.rejected',
  'rate_limiter.rejected',
  'timeout',
  'fallback',
  'hedge',
] as const

/** Asks for the events of policies in a range, by step. */
export async function eventsBetween(
  client: EngineClient,
  { event, service }: EngineFields,
  { from, to }: Range,
  stepMs: number,
): Promise<readonly EventRow[]> {
  const sums = EVENTS.map((name, at) => `sum(${quoted(`counts.${name}`)}) as c${at}`).join(', ')
  const time = timeFilter(from, to)
  const rows = await client.rows(
    `${time} ${oneOf(event, [...EVENTS, 'policy.summary'])} | stats by (_time:${stepOf(stepMs)}, ${service}, ${event}) count() as n, ${sums}`,
  )
  const serviceName = JSON.parse(service) as string
  return rows.flatMap((row) => {
    const at = Date.parse(row['_time'] ?? '')
    const of = (name: string, count: number): EventRow[] =>
      count > 0 ? [{ at, service: row[serviceName] || 'unknown', name, count }] : []
    const name = row[event] ?? ''
    if (name !== 'policy.summary') return of(name, Number(row['n']))
    return EVENTS.flatMap((summed, index) => of(summed, Number(row[`c${index}`]) || 0))
  })
}

/** Asks for what each service and route answered over a range, in equal parts. */
export async function trendsBetween(
  client: EngineClient,
  fields: EngineFields,
  { from, to }: Range,
  { widthMs, startsAt }: Pick<Bars, 'widthMs' | 'startsAt'>,
  cells: Cells,
): Promise<readonly (readonly [at: number, slot: Tally])[]> {
  const { request, service, route, status } = fields
  const step = `_time:${stepOf(widthMs)} offset ${stepOf(startsAt % widthMs)}`
  const rows = await client.rows(
    [
      `${timeFilter(from, to)} ${request}`,
      routePipes(fields),
      `stats by (${step}, ${service}, ${route}) count() as n, count() if (${status}:range[500, 599]) as f`,
    ].join(' | '),
  )
  const names = new RowNames(fields)
  const slots = new Map<number, Tally>()
  for (const row of rows) {
    const at = Date.parse(row['_time'] ?? '')
    let slot = slots.get(at)
    if (slot === undefined) {
      slot = new Tally()
      slots.set(at, slot)
    }
    const [name, path] = [names.service(row), names.route(row)]
    const [all, failed] = [Number(row['n']), Number(row['f'])]
    const add = (status: number, count: number): void => {
      const cell = cells.succeeded(name, path, status)
      slot?.addMany('cells', cell, { count, known: 0, latencyMsSum: 0 }, 0)
      if (isHealthCheck(path)) slot?.addMany('probes', cell, { count, known: 0, latencyMsSum: 0 }, 0)
    }
    if (all > failed) add(200, all - failed)
    if (failed > 0) add(500, failed)
  }
  return [...slots]
}
