import { printable, truncated } from '../matching/show.ts'
import type { RowResult } from './row.ts'

const MARKS = { holds: 'holds  ', differs: 'DIFFERS', pending: 'pending' } as const
const COLUMN_LENGTH_MAX = 110
const DETAILS_MAX = 12

/** Formats a row as one line: number, name, request, expected answer, actual answer. Differences follow below. */
export function rowLines({ id, name, verdict, request, expected, got, details }: RowResult): string {
  const columns = [request, expected === '' ? '' : `expected ${expected}`, got === '' ? '' : `got ${got}`]
  const facts = columns
    .filter((column) => column !== '')
    .map((column) => truncated(printable(column), COLUMN_LENGTH_MAX))
  const head = [`${MARKS[verdict]} ${id.padEnd(5)} ${name}`, ...facts].join(' | ')
  const shown = details.slice(0, DETAILS_MAX)
  if (details.length > DETAILS_MAX) shown.push(`and ${details.length - DETAILS_MAX} more`)
  return [head, ...shown.map((detail) => `        ${indented(detail)}`), ''].join('\n')
}

/** The number of rows for each verdict. */
export interface Totals {
  readonly holds: number
  readonly differs: number
  readonly pending: number
}

/** Counts the rows by verdict. */
export function totalsOf(results: readonly RowResult[]): Totals {
  const count = (verdict: RowResult['verdict']): number => results.filter((row) => row.verdict === verdict).length
  return { holds: count('holds'), differs: count('differs'), pending: count('pending') }
}

/** Formats the last line of the report. */
export function closingLine({ holds, differs, pending }: Totals): string {
  return `${holds} rows hold, ${differs} differ, ${pending} pending\n`
}

/** Formats all results as one JSON document. */
export function jsonReport(results: readonly RowResult[]): string {
  return `${JSON.stringify({ ...totalsOf(results), rows: results })}\n`
}

/** Returns 0 if no row differs, otherwise 1. */
export function exitCodeOf(results: readonly RowResult[]): 0 | 1 {
  return totalsOf(results).differs === 0 ? 0 : 1
}

function indented(detail: string): string {
  // Keeps the lines of a stack. Text from the network has no line feed here: `show` has escaped it.
  return detail.split('\n').map(printable).join('\n        ')
}
