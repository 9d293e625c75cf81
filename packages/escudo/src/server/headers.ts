/** Headers that describe the body that an error replaced. An error response must not send them. */
export const BODY_HEADERS: readonly string[] = [
  'cache-control',
  'etag',
  'last-modified',
  'expires',
  'content-encoding',
  'content-range',
  'content-length',
]

/** Adds names to a `Vary` header and lists each name once. `*` replaces all others. */
export function mergeVary(present: unknown, added: string): string {
  const names = [...(Array.isArray(present) ? present : [present]), added]
    .filter((value): value is string => typeof value === 'string')
    .flatMap((value) => value.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '')
  if (names.includes('*')) return '*'
  return [...new Map(names.map((name) => [name.toLowerCase(), name])).values()].join(', ')
}

/** Joins a header that was sent several times into one value. */
export function joinHeader(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'object' ? header.join(', ') : header
}
