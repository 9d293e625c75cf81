import { mapOf } from '../report/calls.ts'
import { healthOf } from '../report/health.ts'
import { heatmapOf } from '../report/heatmap.ts'
import type { Source } from '../source/source.ts'
import type { Thresholds } from '../verdict/thresholds.ts'
import { selectionOfQuery, viewOfQuery } from './query.ts'

/**
 * Returns the data of the service map or of the heatmap; undefined for another path, and for an engine, which does not
 * count calls and bands.
 *
 * @throws QueryError for an invalid range
 */
export function viewData(
  { files, clock }: Source,
  path: string,
  query: URLSearchParams,
  thresholds: Thresholds,
): object | undefined {
  if (files === undefined) return undefined
  const now = clock()
  if (path === '/api/map') return mapOf(files, healthOf(files, now, thresholds), now, thresholds)
  if (path === '/api/heatmap') return heatmapOf(files, viewOfQuery(query, now), selectionOfQuery(query), now)
  return undefined
}
