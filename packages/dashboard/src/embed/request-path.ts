/** The path of a URL below a prefix: `/` is the prefix itself. A prefix may have parameters, so its segments count. */
export function pathBelow(url: string, prefix: string): string {
  const rest = pathOf(url)
    .split('/')
    .slice(segmentsOf(prefix) + 1)
  return `/${rest.join('/')}`
}

/**
 * The relative link to a page that was asked for without its last slash; undefined for any other URL.
 *
 * The paths on the page are relative to its folder. The link is relative too: a proxy may have removed a part of the path.
 */
export function folderLink(url: string, prefix: string): string | undefined {
  const path = pathOf(url)
  if (path.endsWith('/') || prefix === '' || pathBelow(url, prefix) !== '/') return undefined
  const query = url.indexOf('?')
  return `./${path.slice(path.lastIndexOf('/') + 1)}/${query === -1 ? '' : url.slice(query)}`
}

/** The relative link from the page at a prefix to another path of the server. */
export function linkFrom(prefix: string, path: string): string {
  return `${'../'.repeat(segmentsOf(prefix)) || './'}${path.slice(1)}`
}

function segmentsOf(prefix: string): number {
  return prefix.split('/').filter((segment) => segment !== '').length
}

function pathOf(url: string): string {
  return url.split(/[?#]/, 1)[0] ?? ''
}
