import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { Row, Table } from '../../../src/report/tables.ts'
import { useHeld } from '../state/reading.ts'
import { f, parts, t } from '../state/state.ts'
import { COLUMNS, isPerSecond } from './columns.ts'
import { useFirstRows } from './first-rows.tsx'
import { Trend } from './trend.tsx'

interface SortableTableProps {
  readonly name: string
  readonly title: string
  readonly heading: string
  readonly table: Table
  readonly nameOf: (row: Row) => string
  readonly label: (row: Row) => ComponentChildren
}

interface Sort {
  readonly by: string
  readonly isDescending: boolean
}

/** A table that is sorted by trouble, until a heading is pressed. A third press returns to trouble. */
export function SortableTable({ name, title, heading, table, nameOf, label }: SortableTableProps) {
  const [sort, setSort] = useState<Sort | undefined>(undefined)
  const texts = t.value
  const seconds = parts.value?.covered ?? 1
  const press = (by: string): void => {
    const first = by !== 'name'
    if (sort?.by !== by) setSort({ by, isDescending: first })
    else setSort(sort.isDescending === first ? { by, isDescending: !first } : undefined)
  }
  const { shown, waiting } = useHeld(sorted(table.rows, sort, nameOf), (row) => `${sort?.by}/${nameOf(row)}`)
  const { rows, button } = useFirstRows(shown)
  const scale = { seconds, isPerSecond: isPerSecond(table.rows, seconds) }
  const headings = [
    { by: 'name', text: heading },
    ...COLUMNS.map((column) => ({ by: column.name as string, text: column.title(texts) })),
  ]
  return (
    <section class="figure" aria-labelledby={`${name}-title`}>
      <div class="figure-head">
        <h2 id={`${name}-title`}>{title}</h2>
        <span class="quiet">
          {sort === undefined ? texts.byTrouble : texts.sortedBy(headings.find(({ by }) => by === sort.by)?.text ?? '')}
          {waiting > 0 && ` · ${texts.rowsWait(f.value.count(waiting))}`}
        </span>
      </div>
      {table.rows.length === 0 ? (
        <p class="quiet">{texts.noRequests}</p>
      ) : (
        <table class="cards sortable" id={`${name}-table`}>
          <thead>
            <tr data-label={texts.sortBy}>
              {headings.map(({ by, text }) => (
                <th key={by} scope="col" aria-sort={ariaOf(sort, by)}>
                  <button type="button" onClick={() => press(by)}>
                    {text}
                    <span aria-hidden="true">{sort?.by === by ? (sort.isDescending ? ' ↓' : ' ↑') : ''}</span>
                  </button>
                </th>
              ))}
              <th scope="col" class="trend-head">
                {texts.trend}
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={nameOf(row)} class={row.server > 0 ? 'bad' : ''}>
                <th scope="row">{label(row)}</th>
                {COLUMNS.map((column) => (
                  <td
                    key={column.name}
                    data-label={column.title(texts)}
                    class={
                      (column.name === 'server' || column.name === 'client') && row[column.name] > 0 ? column.name : ''
                    }
                  >
                    {column.text(row, scale)}
                    <Share text={column.share?.(row) ?? ''} />
                  </td>
                ))}
                <td class="trend-cell" aria-hidden="true">
                  <Trend requests={row.trend} failed={row.failed} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {button}
      {table.more > 0 && <p class="quiet">{texts.moreRows(f.value.count(table.more))}</p>}
    </section>
  )
}

/** Wide, it is on a line below, so that names have room. */
function Share({ text }: { readonly text: string }) {
  if (text === '') return null
  return (
    <>
      <span class="dot"> · </span>
      <span class="share">{text}</span>
    </>
  )
}

function ariaOf(sort: Sort | undefined, by: string): 'ascending' | 'descending' | 'none' {
  if (sort?.by !== by) return 'none'
  return sort.isDescending ? 'descending' : 'ascending'
}

function sorted(rows: readonly Row[], sort: Sort | undefined, nameOf: (row: Row) => string): readonly Row[] {
  if (sort === undefined) return rows
  const sign = sort.isDescending ? -1 : 1
  const column = COLUMNS.find(({ name }) => name === sort.by)
  return rows.toSorted((a, b) =>
    column === undefined
      ? sign * nameOf(a).localeCompare(nameOf(b))
      : sign * (column.valueOf(a) - column.valueOf(b)) || nameOf(a).localeCompare(nameOf(b)),
  )
}
