import type { LogFiles } from '../journal/log-files.ts'
import { mapOf } from '../report/calls.ts'
import { healthOf } from '../report/health.ts'
import { heatmapOf } from '../report/heatmap.ts'
import type { Thresholds } from '../verdict/thresholds.ts'
import { selectionOfQuery, viewOfQuery } from './query.ts'

/**
 * Returns the data of the service map or of the heatmap; undefined for another path.
 *
 * @throws QueryError for an invalid range
 */
export function viewData(
  files: LogFiles,
  path: string,
  query: URLSearchParams,
  thresholds: Thresholds,
): object | undefined {
  const now = files.journal.clock()
  if (path === '/api/map') return mapOf(files, healthOf(files, now, thresholds), now, thresholds)
  if (path === '/api/heatmap') return heatmapOf(files, viewOfQuery(query, now), selectionOfQuery(query), now)
  return undefined
}
