import { CSV_NAMES, csvTable } from '../export/csv-tables.ts'
import { REPORT_POLICY, reportHtml } from '../export/report-html.ts'
import { ROWS_MAX } from '../export/shown.ts'
import type { Source } from '../source/source.ts'
import { selectionOfQuery, viewOfQuery } from './query.ts'

/** A file to download. */
export interface Download {
  readonly type: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

const REPORT = '/api/report'
const CSV_PATHS: ReadonlyMap<string, string> = new Map(CSV_NAMES.map((name) => [`/api/${name}.csv`, name]))

/**
 * Makes the file that a path names, of what the page shows with the same query; undefined for another path.
 *
 * @throws QueryError for an invalid range
 */
export async function download(source: Source, path: string, query: URLSearchParams): Promise<Download | undefined> {
  const name = CSV_PATHS.get(path)
  if (name === undefined && path !== REPORT) return undefined
  const now = source.clock()
  const [view, selection] = [viewOfQuery(query, now), selectionOfQuery(query)]
  const parts = await source.stats(view, selection, ROWS_MAX)
  const shown = { parts, columns: await source.hits(view, selection) }
  if (name !== undefined)
    return { type: 'text/csv', body: csvTable(name, shown) ?? '', headers: attachment(`escudo-${name}.csv`) }
  const policy = { 'content-security-policy': `${REPORT_POLICY}; frame-ancestors 'none'` }
  const body = reportHtml(shown, query.get('lang') === 'en' ? 'en' : 'es', now)
  return { type: 'text/html', body, headers: { ...attachment('escudo-report.html'), ...policy } }
}

function attachment(name: string): Readonly<Record<string, string>> {
  return { 'content-disposition': `attachment; filename="${name}"` }
}
