import type { GoalLine } from './verdicts.ts'

/** The last table of a report. */
export function goalTable(goals: readonly GoalLine[]): string {
  const rows = goals.map(({ what, goal, shown, verdict }) => [
    what,
    `goal ${goal}: ${shown === undefined ? '' : `${shown} — `}${verdict}`,
  ])
  return table(['what', 'goal, and what was measured'], rows, 2)
}

/** A padded Markdown table. The first columns are text; the others are figures, aligned right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[], textColumns: number): string {
  const widths = header.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]): string =>
    `| ${cells
      .map((cell, column) => {
        const width = widths[column] as number
        return column < textColumns ? cell.padEnd(width) : cell.padStart(width)
      })
      .join(' | ')} |`
  const rule = widths.map((width, column) => (column < textColumns ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [line(header), line(rule), ...rows.map(line)].join('\n')
}
