import type { Row } from '../../../src/report/tables.ts'
import { f } from '../state/state.ts'
import type { Texts } from '../text/spanish.ts'
import { rateText } from './rate.ts'

/** How rates are shown: all rows of a table have the same unit. */
export interface Scale {
  readonly seconds: number
  readonly isPerSecond: boolean
}

/** A column with numbers. */
export interface NumberColumn {
  readonly name: 'rate' | 'server' | 'client' | 'p50' | 'p95' | 'p99'
  readonly title: (texts: Texts) => string
  readonly valueOf: (row: Row) => number
  readonly text: (row: Row, scale: Scale) => string
  /** A second figure, such as the share of the first. */
  readonly share?: (row: Row) => string
}

/** Whether the busiest row has at least one request per second. */
export function isPerSecond(rows: readonly Row[], seconds: number): boolean {
  return rows.some(({ requests }) => requests >= seconds)
}

const share = (part: number, { requests }: Row): number => (requests === 0 ? 0 : part / requests)
const shareText = (part: number, row: Row): string => (part === 0 ? '' : f.value.percent(share(part, row)))

/** The columns of both tables, after the name. */
export const COLUMNS: readonly NumberColumn[] = [
  {
    name: 'rate',
    title: (texts) => texts.rate,
    valueOf: ({ requests }) => requests,
    text: ({ requests }, { seconds, isPerSecond }) => rateText(requests, seconds, isPerSecond),
  },
  {
    name: 'server',
    title: () => '5xx',
    valueOf: (row) => share(row.server, row),
    text: (row) => f.value.count(row.server),
    share: (row) => shareText(row.server, row),
  },
  {
    name: 'client',
    title: () => '4xx',
    valueOf: (row) => share(row.client, row),
    text: (row) => f.value.count(row.client),
    share: (row) => shareText(row.client, row),
  },
  ...(['p50', 'p95', 'p99'] as const).map((name) => ({
    name,
    title: () => name,
    valueOf: (row: Row) => row[name] ?? -1,
    text: (row: Row) => f.value.duration(row[name]),
  })),
]
