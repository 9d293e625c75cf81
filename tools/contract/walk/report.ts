import { cut, printable } from '../matching/show.ts'
import type { RowResult } from './row.ts'

const MARKS = { holds: 'holds  ', differs: 'DIFFERS', pending: 'pending' } as const
const COLUMN_LENGTH_MAX = 110
const DETAILS_MAX = 12

/** A row's line: its number, what it is about, the request, what was expected, what came. Differences follow below. */
export function rowLines({ id, name, verdict, request, expected, got, details }: RowResult): string {
  const columns = [request, expected === '' ? '' : `expected ${expected}`, got === '' ? '' : `got ${got}`]
  const facts = columns.filter((column) => column !== '').map((column) => cut(printable(column), COLUMN_LENGTH_MAX))
  const head = [`${MARKS[verdict]} ${id.padEnd(5)} ${name}`, ...facts].join(' | ')
  const shown = details.slice(0, DETAILS_MAX)
  if (details.length > DETAILS_MAX) shown.push(`and ${details.length - DETAILS_MAX} more`)
  return [head, ...shown.map((detail) => `        ${indented(detail)}`), ''].join('\n')
}

/** How many rows went which way. */
export interface Totals {
  readonly holds: number
  readonly differs: number
  readonly pending: number
}

/** Counts the rows. */
export function totalsOf(results: readonly RowResult[]): Totals {
  const count = (verdict: RowResult['verdict']): number => results.filter((row) => row.verdict === verdict).length
  return { holds: count('holds'), differs: count('differs'), pending: count('pending') }
}

/** The last line of the report. */
export function closingLine({ holds, differs, pending }: Totals): string {
  return `${holds} rows hold, ${differs} differ, ${pending} pending\n`
}

/** All of it as one JSON document. */
export function jsonReport(results: readonly RowResult[]): string {
  return `${JSON.stringify({ ...totalsOf(results), rows: results })}\n`
}

/** 0 when nothing differs. */
export function exitCodeOf(results: readonly RowResult[]): 0 | 1 {
  return totalsOf(results).differs === 0 ? 0 : 1
}

function indented(detail: string): string {
  // A stack keeps its lines; what came over the wire was made printable where it was put into words.
  return detail.split('\n').map(printable).join('\n        ')
}
