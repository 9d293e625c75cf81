import { WrongUsage } from '../command-line.ts'
import type { Row } from '../walk/row.ts'

/**
 * The rows whose numbers are wanted, or begin with what is wanted: `4.7` means 4.7a to 4.7c. All rows when nothing is.
 *
 * @throws WrongUsage for a number that no row has
 */
export function selected(rows: readonly Row[], wanted: readonly string[]): readonly Row[] {
  if (wanted.length === 0) return rows
  const unknown = wanted.find((prefix) => !rows.some((row) => matches(row, prefix)))
  if (unknown !== undefined) {
    const ids = [...new Set(rows.map((row) => row.id))].join(', ')
    throw new WrongUsage(`there is no row ${JSON.stringify(unknown)}; there are ${ids}`)
  }
  return rows.filter((row) => wanted.some((prefix) => matches(row, prefix)))
}

/** `4.1` is the beginning of 4.1a, and not of 4.10. */
function matches({ id }: Row, prefix: string): boolean {
  return id === prefix || (id.startsWith(prefix) && !/^\d/.test(id.slice(prefix.length)))
}
