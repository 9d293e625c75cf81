/** The path of a URL below a prefix: `/` is the prefix itself. A prefix may have parameters, so its segments count. */
export function pathBelow(url: string, prefix: string): string {
  const segments = prefix.split('/').filter((segment) => segment !== '').length
  const rest = pathOf(url)
    .split('/')
    .slice(segments + 1)
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

function pathOf(url: string): string {
  return url.split(/[?#]/, 1)[0] ?? ''
}
