const BODY_HEADERS: ReadonlySet<string> = new Set([
  // The body: its form, its part, its length, its digest, its place, the file that a proxy sends instead of it.
  'accept-ranges',
  'content-digest',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-md5',
  'content-range',
  'content-type',
  'digest',
  'etag',
  'last-modified',
  'repr-digest',
  'signature',
  'signature-input',
  'trailer',
  'transfer-encoding',
  'x-accel-redirect',
  'x-sendfile',
  // How long caches keep it. See also below.
  'age',
  'expires',
  'pragma',
  'surrogate-control',
  'surrogate-key',
  'x-accel-expires',
  // Where it leads.
  'location',
  'refresh',
])

/**
 * Whether a header describes the body that an error replaced. An error response must not send it.
 *
 * @param name in lower case
 */
export function describesBody(name: string): boolean {
  // Also `CDN-Cache-Control` and those of single caches (RFC 9213).
  return name.endsWith('cache-control') || BODY_HEADERS.has(name)
}

/**
 * Whether a header is kept on an answer that the framework failed to send. Without those of CORS, a page of another
 * origin cannot read the answer.
 *
 * @param name in lower case
 */
export function belongsToCors(name: string): boolean {
  return name.startsWith('access-control-') || name === 'vary'
}

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
