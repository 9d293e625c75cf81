import type { Cells, RequestKey } from '../counts/cells.ts'
import type { Tally } from '../counts/tally.ts'
import type { State } from '../verdict/situation.ts'
import { barsOf } from './bars.ts'
import type { Health, ServiceHealth } from './health.ts'
import { ANSWERED, type Selection } from './selection.ts'
import type { Range } from './summary.ts'
import { requestsOf, type Sum, selected, sumsBy } from './sums.ts'

/** The most bars of a trend. */
export const BARS_MAX = 24

/** One row of the table of services or of routes. All that the service answered counts, hops included, health checks not. */
export interface Row {
  readonly service: string
  /** Null for requests without a path; undefined in the table of services. */
  readonly route?: string | null
  /** The state now; only in the table of services. */
  readonly state?: State
  /** The instances now, if there are several; only in the table of services. */
  readonly instances?: ServiceHealth['instances']
  readonly requests: number
  readonly client: number
  readonly server: number
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
  /** Requests over the range, in equal parts. */
  readonly trend: readonly number[]
  /** The 5xx among them. */
  readonly failed: readonly number[]
}

/** Rows, those with the most trouble first. */
export interface Table {
  readonly rows: readonly Row[]
  /** How many rows there are beyond the bound. */
  readonly more: number
}

/** The tables of the page. */
export interface Tables {
  readonly services: Table
  readonly routes: Table
}

type Slots = Iterable<readonly [at: number, slot: Tally]>

/**
 * Computes the tables of a range. A chosen service limits the routes.
 *
 * `slots` are those that `tally` merges, and `answered` is what each service answered in them.
 */
export function tablesOf(
  tally: Tally,
  answered: ReadonlyMap<string, Sum>,
  slots: Slots,
  cells: Cells,
  range: Range & { readonly stepMs: number },
  { service }: Selection,
  health: Health,
  rowsMax: number,
): Tables {
  const states = new Map(health.services.map(({ name, state }) => [name, state]))
  const instances = new Map(health.services.map((one) => [one.name, one.instances]))
  const ranks = new Map([...states].map(([name, state]) => [name, RANK[state]]))
  // The cause comes before the services that only relay its failures.
  if (health.cause !== null) ranks.set(health.cause.service, RANK.failing + 1)
  const services = topOf(answered, (name) => ranks.get(name) ?? 0, rowsMax)
  const routes = topOf(
    // Health checks are counted apart: a route of nothing else has no row.
    new Map(
      [...sumsBy(selected(tally, cells, { ...ANSWERED, service }), routeOf)].filter(([, sum]) => sum.requests > 0),
    ),
    (name) => ranks.get(namesOf(name).service) ?? 0,
    rowsMax,
  )
  const trends = trendsOf(
    [...services.top, ...routes.top].map(([name]) => name),
    slots,
    cells,
    range,
  )
  const row = ([name, sum]: Entry): Omit<Row, 'service'> => ({
    requests: sum.requests,
    client: sum.clientErrors,
    server: sum.serverErrors,
    ...percentilesOf(sum),
    ...(trends.get(name) ?? { trend: [], failed: [] }),
  })
  return {
    services: {
      rows: services.top.map((entry) => ({
        service: entry[0],
        state: states.get(entry[0]) ?? 'waiting',
        ...severalOf(instances.get(entry[0])),
        ...row(entry),
      })),
      more: services.more,
    },
    routes: { rows: routes.top.map((entry) => ({ ...namesOf(entry[0]), ...row(entry) })), more: routes.more },
  }
}

type Entry = readonly [name: string, sum: Sum]

const SEPARATOR = '\u0000'
const NO_ROUTE = '\u0001'

function routeOf({ service, route }: RequestKey): string {
  return `${service}${SEPARATOR}${route ?? NO_ROUTE}`
}

function namesOf(name: string): { readonly service: string; readonly route: string | null } {
  const [service = '', route = NO_ROUTE] = name.split(SEPARATOR, 2)
  return { service, route: route === NO_ROUTE ? null : route }
}

const RANK: Readonly<Record<State, number>> = { failing: 3, silent: 2, degraded: 1, healthy: 0, waiting: 0 }

/** Sorts by trouble: the state of the service now, then failed requests, then the share of 4xx, then slowness. */
function topOf(
  sums: ReadonlyMap<string, Sum>,
  rankOf: (name: string) => number,
  rowsMax: number,
): { readonly top: readonly Entry[]; readonly more: number } {
  const entries = [...sums]
    // A service that is silent has no requests, and yet its row matters most.
    .filter(([name, { requests }]) => requests > 0 || rankOf(name) > 0)
    .map((entry) => ({
      entry,
      rank: rankOf(entry[0]),
      client: clientShareOf(entry[1]),
      p95: entry[1].latency.p95 ?? 0,
    }))
  entries.sort(
    (a, b) =>
      b.rank - a.rank ||
      b.entry[1].serverErrors - a.entry[1].serverErrors ||
      b.client - a.client ||
      b.p95 - a.p95 ||
      a.entry[0].localeCompare(b.entry[0]),
  )
  return { top: entries.slice(0, rowsMax).map(({ entry }) => entry), more: Math.max(0, entries.length - rowsMax) }
}

function severalOf(instances: ServiceHealth['instances'] = []): Pick<Row, 'instances'> {
  return instances.length > 1 ? { instances } : {}
}

function clientShareOf({ requests, clientErrors }: Sum): number {
  return requests === 0 ? 0 : clientErrors / requests
}

function percentilesOf(sum: Sum): Pick<Row, 'p50' | 'p95' | 'p99'> {
  const { p50, p95, p99 } = sum.latency
  return { p50: rounded(p50), p95: rounded(p95), p99: rounded(p99) }
}

function trendsOf(
  names: readonly string[],
  slots: Slots,
  cells: Cells,
  range: Range & { readonly stepMs: number },
): ReadonlyMap<string, Pick<Row, 'trend' | 'failed'>> {
  const bars = barsOf(range, BARS_MAX)
  const trends = new Map(
    names.map((name) => [
      name,
      { trend: new Array<number>(bars.count).fill(0), failed: new Array<number>(bars.count).fill(0) },
    ]),
  )
  for (const [at, slot] of slots) {
    const point = bars.of(at)
    for (const cell of selected(slot, cells, ANSWERED)) {
      const requests = requestsOf(cell)
      const isFailed = (cell.key.status ?? 0) >= 500
      for (const name of [cell.key.service, routeOf(cell.key)]) {
        const trend = trends.get(name)
        if (trend === undefined) continue
        trend.trend[point] = (trend.trend[point] ?? 0) + requests
        if (isFailed) trend.failed[point] = (trend.failed[point] ?? 0) + requests
      }
    }
  }
  return trends
}

function rounded(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(4))
}
