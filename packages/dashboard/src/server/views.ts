import { mappedServices, type ServiceMap } from '../report/calls.ts'
import { heatmapOf } from '../report/heatmap.ts'
import type { Source, View } from '../source/source.ts'
import { selectionOfQuery, viewOfQuery } from './query.ts'

/**
 * Returns the data of the service map or of the heatmap; undefined for another path, and for the heatmap of an engine, which
 * does not count bands.
 *
 * @throws QueryError for an invalid range
 * @throws the reason of the signal, once it is cancelled
 */
export async function viewData(
  source: Source,
  path: string,
  query: URLSearchParams,
  signalOf: () => AbortSignal,
): Promise<object | undefined> {
  const { files, clock } = source
  const now = clock()
  if (path === '/api/map') return await mapOf(source, viewOfQuery(query, now), signalOf())
  if (path !== '/api/heatmap' || files === undefined) return undefined
  return heatmapOf(files, viewOfQuery(query, now), selectionOfQuery(query), now)
}

async function mapOf(source: Source, view: View, signal: AbortSignal): Promise<ServiceMap> {
  const { at, calls, sample } = await source.calls(view, signal)
  const services = mappedServices(await source.health())
  return { at, services, calls, ...(sample === undefined ? {} : { sample }) }
}
