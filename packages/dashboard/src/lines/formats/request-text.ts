const METHOD = /^[A-Za-z]{3,10}$/
const REQUEST_LINE = /^([A-Z]{3,10}) (\S{1,4096})(?: HTTP\/[\d.]+)?$/
/** Longer paths are shortened: they are shown and counted, not sent again. */
const PATH_MAX = 1_000

/** Returns an HTTP method in upper case; undefined for any other text. */
export function methodOf(value: unknown): string | undefined {
  return typeof value === 'string' && METHOD.test(value) ? value.toUpperCase() : undefined
}

/** Returns the path of a path, a URL or a target, without query and fragment; undefined for any other value. */
export function pathOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '' || value === '-') return undefined
  let path = value
  if (path.charCodeAt(0) !== 47) {
    const scheme = path.indexOf('://')
    if (scheme === -1) {
      if (path !== '*') return undefined
    } else {
      const slash = path.indexOf('/', scheme + 3)
      path = slash === -1 ? '/' : path.slice(slash)
    }
  }
  const query = path.search(/[?#]/)
  if (query !== -1) path = path.slice(0, query)
  return path.length > PATH_MAX ? `${path.slice(0, PATH_MAX).toWellFormed()}…` : path
}

/** Reads `GET /path HTTP/1.1`. */
export function requestLineOf(
  value: unknown,
): { readonly method: string; readonly path: string | undefined } | undefined {
  const match = typeof value === 'string' ? REQUEST_LINE.exec(value) : null
  if (match === null) return undefined
  return { method: match[1] ?? '', path: pathOf(match[2]) }
}
