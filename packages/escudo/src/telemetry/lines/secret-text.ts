import { isSecretName, MAY_BE_SECRET } from './secret-names.ts'

/** Replaces a secret. */
export const REDACTED = '[redacted]'

const URL_START = /^[\0- ]*[a-z][a-z\d+.-]{0,30}:/i
// The user info of a URL inside other text. The bound on the scheme keeps the search linear.
const USER_INFO = /([a-z][a-z\d+.-]{0,30}:[\\/]{2,})[^\s\\/?#]*@/gi
// `name=value` in a query, a form, a cookie or a command line.
const ASSIGNMENT = /([^\s=&?#;,"'<>{}():]{1,128})=("[^"]*"|'[^']*'|[^\s&#"'<>]*)/g
// `"name": value`, also with the quotes of JSON inside JSON.
const QUOTED_NAME = /(\\*["'])([\w.$ -]{1,128})\1(\s*[:,]\s*)(\\*"(?:[^"\\]|\\+[^"])*\\*"|'[^']*'|[^\s,}\]]+)/g
// A header on a line of its own, as in a dump of a request.
const HEADER_LINE = /^([ \t>]*)([a-z][\w-]{0,63})(:[ \t]*)([^\r\n]+)/gim
// A header or password in the middle of a line. Not `token`, which parsers complain about: `unexpected token: }`.
const INLINE = /((?:authorization|cookie|api[-_]?key|password|passwd|secret)["']?\s*:\s*)("[^"]*"|'[^']*'|[^\r\n,}]+)/gi

/**
 * Replaces the secrets in text: the user info of URLs, and the values of secret names in queries, forms, headers and
 * JSON.
 *
 * @param json redacts a parsed JSON value and returns its text
 */
export function redactText(text: string, json: (value: unknown) => string): string {
  const hasUserInfo = text.includes('@') && text.includes(':')
  const hasNames = (MAY_BE_SECRET.test(text) && /[=:,]/.test(text)) || (text.includes('%') && text.includes('='))
  if (!hasUserInfo && !hasNames) return text
  const first = text.charCodeAt(0)
  if (hasNames && (first === 0x7b || first === 0x5b)) {
    const parsed = parse(text)
    if (parsed !== undefined) return json(parsed.value)
  }
  if (isUrl(text)) return redactUrl(text)
  // A path with its query, as in `request.url`.
  if (first === 0x2f || first === 0x3f) return redactPathAndQuery(text)
  const withoutUsers = hasUserInfo ? text.replace(USER_INFO, `$1${REDACTED}@`) : text
  return hasNames ? redactPairs(withoutUsers) : withoutUsers
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

function isUrl(text: string): boolean {
  return URL_START.test(text) && URL.canParse(text)
}

/** Redacts text that is a URL as a whole: here the parser decides what belongs to the user info and to a value. */
function redactUrl(text: string): string {
  const url = new URL(text)
  const hasUserInfo = url.username !== '' || url.password !== ''
  // Without the user info, the text is kept as it was written.
  return redactPathAndQuery(hasUserInfo ? withoutUserInfo(url) : text)
}

function redactPathAndQuery(text: string): string {
  const [head, fragment] = splitOnce(text, '#')
  const [start, query] = splitOnce(head, '?')
  const parts = [
    // The path of `data:` and of other opaque URLs is ordinary text.
    redactPairs(start),
    query === undefined ? '' : `?${redactQuery(query)}`,
    fragment === undefined ? '' : `#${redactQuery(fragment)}`,
  ]
  return parts.join('')
}

function withoutUserInfo(url: URL): string {
  url.username = ''
  url.password = ''
  return url.href.replace(/^([a-z][a-z\d+.-]*:\/\/)/i, `$1${REDACTED}@`)
}

/** Redacts the values of secret names in a query, without its `?`. */
export function redactQuery(query: string): string {
  return query
    .split('&')
    .map((pair) => {
      const [name, value] = splitOnce(pair, '=')
      return value !== undefined && isSecretName(decoded(name)) ? `${name}=${REDACTED}` : redactPairs(pair)
    })
    .join('&')
}

function redactPairs(text: string): string {
  return text
    .replace(ASSIGNMENT, (pair: string, name: string) => (isSecretName(decoded(name)) ? `${name}=${REDACTED}` : pair))
    .replace(QUOTED_NAME, (pair: string, quote: string, name: string, colon: string) =>
      isSecretName(name) ? `${quote}${name}${quote}${colon}${quote}${REDACTED}${quote}` : pair,
    )
    .replace(HEADER_LINE, (line: string, indent: string, name: string, colon: string) =>
      isSecretName(name) ? `${indent}${name}${colon}${REDACTED}` : line,
    )
    .replace(INLINE, (_, name: string, value: string) => {
      const quote = /^["']/.exec(value)?.[0] ?? ''
      return `${name}${quote}${REDACTED}${quote}`
    })
}

function decoded(name: string): string {
  if (!name.includes('%')) return name
  try {
    return decodeURIComponent(name)
  } catch {
    // Half of it may still spell a secret name.
    return unescape(name)
  }
}

function splitOnce(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}
