import { Cells } from '../counts/cells.ts'
import { Tally } from '../counts/tally.ts'
import { isHealthCheck } from '../counts/watch/health-check.ts'
import { type Kind, kindOfStatus } from '../lines/kind.ts'
import { statusOf } from '../lines/log-fields.ts'
import { routeOf } from '../lines/route-of.ts'
import type { Range } from '../report/summary.ts'
import type { EngineClient, Row } from './engine-client.ts'
import type { EngineFields } from './engine-fields.ts'
import { BUCKET, bucketOf, LATENCY_MS, latencyPipes } from './engine-latency.ts'
import { timeFilter } from './logsql.ts'
import { FROM_PATH, routePipes } from './route-pipes.ts'

/** The most rows of one answer. Those with the fewest requests are left out. */
const ROWS_MAX = 200_000
const CODE_CHARACTERS_MAX = 100

/** The requests of a range, counted by the engine. */
export interface RangeCounts {
  readonly cells: Cells
  readonly tally: Tally
  /** The routes that are health checks, and the paths of those without a route. */
  readonly probes: readonly string[]
  /** Whether there were more kinds of requests than one answer may have. */
  readonly isFolded: boolean
}

/** Returns the query for the requests of a range: by service, route, status, error and bucket of the latency. */
function countsQuery(fields: EngineFields, range: Range | undefined): string {
  const { request, service, route, status, code, kind, latency, parent } = fields
  const time = range === undefined ? '' : `${timeFilter(range.from, range.to)} `
  const isHop = `if (${parent}:*)`
  return [
    `${time}${request}`,
    routePipes(fields),
    latencyPipes(fields),
    `stats by (${[service, route, status, code, kind, BUCKET].join(', ')}) count() as n, count(${latency}) as l, sum(${LATENCY_MS}) as s, ` +
      `count() ${isHop} as hn, count(${latency}) ${isHop} as hl, sum(${LATENCY_MS}) ${isHop} as hs`,
    `sort by (n desc) limit ${ROWS_MAX}`,
  ].join(' | ')
}

/** Asks for the requests of a range; without one, for all that the engine has. */
export async function countRange(
  client: EngineClient,
  fields: EngineFields,
  range: Range | undefined,
  hopServices: ReadonlySet<string>,
): Promise<RangeCounts> {
  return countsOf(await client.rows(countsQuery(fields, range)), fields, hopServices)
}

/** Adds up rows of {@link countsQuery}. Requests with a parent are hops if they go to one of `hopServices`. */
export function countsOf(rows: readonly Row[], fields: EngineFields, hopServices: ReadonlySet<string>): RangeCounts {
  const cells = new Cells()
  const tally = new Tally()
  const probes = new Set<string>()
  const names = new RowNames(fields)
  for (const row of rows) {
    const service = names.service(row)
    const route = names.route(row)
    const cell = cellOf(cells, row, names, service, route)
    const bucket = bucketOf(row[BUCKET])
    const count = { count: Number(row['n']), known: Number(row['l']), latencyMsSum: sumIn(row['s']) }
    tally.addMany('cells', cell, count, bucket)
    if (isHealthCheck(route)) {
      if (route !== undefined) probes.add(route)
      tally.addMany('probes', cell, count, bucket)
    } else if (hopServices.has(service) && Number(row['hn']) > 0) {
      const hops = { count: Number(row['hn']), known: Number(row['hl']), latencyMsSum: sumIn(row['hs']) }
      tally.addMany('hops', cell, hops, bucket)
    }
  }
  return { cells, tally, probes: [...probes], isFolded: rows.length >= ROWS_MAX }
}

/** Reads the values of rows by the names that the fields have in the engine. */
export class RowNames {
  readonly #service: string
  readonly #route: string
  readonly #status: string
  readonly #code: string

  constructor({ service, route, status, code }: EngineFields) {
    ;[this.#service, this.#route, this.#status, this.#code] = [service, route, status, code].map(
      (name) => JSON.parse(name) as string,
    ) as [string, string, string, string]
  }

  service(row: Row): string {
    return row[this.#service] || 'unknown'
  }

  /** The route, or the path of a line without one. */
  route(row: Row): string | undefined {
    const route = row[this.#route] || undefined
    if (route?.startsWith(FROM_PATH)) return routeOf({ route: undefined, path: route.slice(FROM_PATH.length) })
    return routeOf({ route, path: undefined })
  }

  status(row: Row): number | undefined {
    return statusOf(row[this.#status])
  }

  code(row: Row): string | undefined {
    const code = row[this.#code] || undefined
    return code !== undefined && code.length > CODE_CHARACTERS_MAX
      ? `${code.slice(0, CODE_CHARACTERS_MAX - 1).toWellFormed()}…`
      : code
  }
}

/** Returns a sum of latencies. Of no latencies it is not a number. */
export function sumIn(text: string | undefined): number {
  const sum = Number(text)
  return Number.isFinite(sum) ? sum : 0
}

function cellOf(cells: Cells, row: Row, names: RowNames, service: string, route: string | undefined): number {
  const status = names.status(row)
  if (status === undefined || status < 400) return cells.succeeded(service, route, status)
  const kind: Kind = kindOfStatus(row['error_kind'], status)
  return cells.request(service, status, names.code(row), kind, route)
}
