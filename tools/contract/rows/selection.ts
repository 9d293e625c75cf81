import { WrongUsage } from '../command-line.ts'
import type { Row } from '../walk/row.ts'

/**
 * Selects rows by number or prefix: `4.7` selects 4.7a to 4.7c. An empty list selects all rows.
 *
 * @throws WrongUsage for a number that no row has
 */
export function selected(rows: readonly Row[], wanted: readonly string[]): readonly Row[] {
  if (wanted.length === 0) return rows
  const unknown = wanted.find((prefix) => !rows.some((row) => matches(row, prefix)))
  if (unknown !== undefined) {
    const ids = [...new Set(rows.map((row) => row.id))].join(', ')
    throw new WrongUsage(`there is no row ${JSON.stringify(unknown)}; the rows are ${ids}`)
  }
  return rows.filter((row) => wanted.some((prefix) => matches(row, prefix)))
}

/** `4.1` matches 4.1a but not 4.10. */
function matches({ id }: Row, prefix: string): boolean {
  return id === prefix || (id.startsWith(prefix) && !/^\d/.test(id.slice(prefix.length)))
}
