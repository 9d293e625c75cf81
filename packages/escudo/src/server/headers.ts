const BODY_HEADERS: ReadonlySet<string> = new Set([
  // The body: its form, its digest, its source map, the file that a proxy sends instead of it. See also below.
  'accept-ranges',
  'delta-base',
  'digest',
  'etag',
  'im',
  'last-modified',
  'preference-applied',
  'repr-digest',
  'signature',
  'signature-input',
  'sourcemap',
  'trailer',
  'transfer-encoding',
  'unencoded-digest',
  'use-as-dictionary',
  'x-lighttpd-send-file',
  'x-sendfile',
  'x-sourcemap',
  // How long caches keep it.
  'age',
  'cache-groups',
  'cache-tag',
  'edge-cache-tag',
  'edge-control',
  'expires',
  'pragma',
  'surrogate-control',
  'surrogate-key',
  'warning',
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
  // `Content-Security-Policy` describes what a page may do; an error may be shown as a page too.
  if (name.startsWith('content-')) return !name.startsWith('content-security-policy')
  // `CDN-Cache-Control` and those of single caches (RFC 9213). `X-Accel-…`: what nginx does with the body.
  return name.endsWith('cache-control') || name.startsWith('x-accel-') || BODY_HEADERS.has(name)
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
  if (present === undefined) return added
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
