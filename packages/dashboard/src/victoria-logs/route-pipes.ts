import type { EngineFields } from './engine-fields.ts'
import { escapedPattern, quoted } from './logsql.ts'

/** What a route begins with that is a path. */
export const FROM_PATH = '~'

/** What names one thing out of many in a path. Text that only looks like it, such as `order-12345`, is replaced later. */
const IDS = ['[0-9]+', '[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}', '[0-9a-f]{24,64}']

/**
 * Returns the pipes that give lines without a route their path as route, without its query and with ids replaced.
 *
 * They keep the number of groups small. What they leave is replaced as in files when the rows arrive.
 */
export function routePipes({ route, path }: EngineFields): string {
  const missing = `if (${route}:"" ${path}:*)`
  const pattern = `/(?:${IDS.join('|')})(/|$)`
  // Twice, because a slash belongs to one id only.
  const ids = `replace_regexp ${missing} (${quoted(pattern)}, "/{id}$1") at ${path}`
  const query = `replace_regexp ${missing} (${quoted('[?#].*$')}, "") at ${path}`
  return `${query} | ${ids} | ${ids} | format ${missing} ${quoted(`${FROM_PATH}<${unquoted(path)}>`)} as ${route}`
}

/** Returns the filter for a route of the page, to be used after {@link routePipes}. */
export function routeFilter({ route }: EngineFields, wanted: string): string {
  const path = wanted.split('{id}').map(escapedPattern).join('[^/]+')
  return `(${route}:=${quoted(wanted)} or ${route}:~${quoted(`^${FROM_PATH}${path}$`)})`
}

function unquoted(name: string): string {
  return JSON.parse(name) as string
}
