import type { Row } from '../report/tables.ts'
import type { Column, Parts } from '../report/view.ts'
import { type Cell, csvOf } from './csv.ts'

/** What a page shows, to be written to a file. */
export interface Shown {
  readonly parts: Parts
  readonly columns: readonly Column[]
}

interface CsvTable {
  readonly heading: readonly string[]
  readonly rowsOf: (shown: Shown) => Iterable<readonly Cell[]>
}

const FIGURES = ['requests', 'client_errors', 'server_errors', 'p50_ms', 'p95_ms', 'p99_ms']

/** The tables that can be exported, by name. */
const TABLES: Readonly<Record<string, CsvTable>> = {
  requests: {
    heading: ['time', 'below_400', 'status_4xx', 'status_5xx', 'p50_ms', 'p95_ms', 'p99_ms', 'mean_ms', 'retries'],
    rowsOf: ({ columns }) =>
      columns.map(([at, good, client, server, p50, p95, p99, retries, mean]) => [
        ...[iso(at), good, client, server, p50, p95, p99, mean, retries],
      ]),
  },
  services: {
    heading: ['service', 'state', ...FIGURES],
    rowsOf: ({ parts }) => parts.tables.services.rows.map((row) => [row.service, row.state, ...figuresOf(row)]),
  },
  routes: {
    heading: ['service', 'route', ...FIGURES],
    rowsOf: ({ parts }) => parts.tables.routes.rows.map((row) => [row.service, row.route, ...figuresOf(row)]),
  },
  errors: {
    heading: ['service', 'code', 'kind', 'message', 'fallback', 'count', 'first', 'last', 'age'],
    rowsOf: ({ parts }) =>
      parts.groups.groups.map((group) => [
        ...[group.service, group.code, group.kind, group.message, group.fallback, group.count],
        ...[iso(group.first), iso(group.last), group.age],
      ]),
  },
  breakers: {
    heading: [
      'service',
      'shield',
      'policy',
      'time',
      'from',
      'to',
      'reason',
      'failures',
      'calls',
      'error',
      'trace_id',
      'instance',
    ],
    rowsOf: ({ parts }) =>
      parts.lanes.flatMap(({ service, shield, policy, changes }) =>
        changes.map((change) => [
          ...[service, shield, policy, iso(change.at), change.from, change.to, change.reason, change.failures],
          ...[change.calls, change.error, change.traceId, change.instance],
        ]),
      ),
  },
}

/** The names of the tables that can be exported. */
export const CSV_NAMES: readonly string[] = Object.keys(TABLES)

/** Writes a table of what is shown; undefined for an unknown name. */
export function csvTable(name: string, shown: Shown): string | undefined {
  const table = Object.hasOwn(TABLES, name) ? TABLES[name] : undefined
  return table === undefined ? undefined : csvOf(table.heading, table.rowsOf(shown))
}

function figuresOf({ requests, client, server, p50, p95, p99 }: Row): readonly Cell[] {
  return [requests, client, server, p50, p95, p99]
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
