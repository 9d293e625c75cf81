/** A value of a table. Null and undefined are empty. */
export type Cell = string | number | boolean | null | undefined

/**
 * What a spreadsheet would take for a formula: a log line must not run one on the machine of its reader.
 *
 * Spreadsheets skip blanks before a sign, and some take the wide signs of East Asian texts too.
 */
const FORMULA = /^[\s\p{Cc}]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/u

/** Writes a table as RFC 4180 describes it, with a heading and CRLF line ends. Texts cannot become formulas. */
export function csvOf(heading: readonly string[], rows: Iterable<readonly Cell[]>): string {
  let text = `${heading.map(cellText).join(',')}\r\n`
  for (const row of rows) text += `${row.map(cellText).join(',')}\r\n`
  return text
}

function cellText(cell: Cell): string {
  if (cell === null || cell === undefined) return ''
  if (typeof cell !== 'string') return String(cell)
  const harmless = FORMULA.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
