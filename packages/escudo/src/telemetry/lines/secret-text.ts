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
// A header on a separate line, as in a dump of a request.
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
  const url = urlOf(text)
  // A path with its query, as in `request.url`, is divided like a URL.
  const isWhole = url !== undefined || first === 0x2f || first === 0x3f
  const whole = isWhole ? redactPathAndQuery(url === undefined ? text : withoutUserInfo(url, text)) : text
  // A value may hold a further URL.
  return redactPairs(whole.replace(USER_INFO, `$1${REDACTED}@`))
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

/** Parses text that is a URL as a whole. `Error: x` is one too, for the parser, but it has no host. */
function urlOf(text: string): URL | undefined {
  if (!URL_START.test(text) || !URL.canParse(text)) return undefined
  const url = new URL(text)
  return url.host === '' ? undefined : url
}

/** Removes the user info of a URL: here the parser decides what belongs to it. Other text is kept as it was written. */
function withoutUserInfo(url: URL, text: string): string {
  if (url.username === '' && url.password === '') return text
  url.username = ''
  url.password = ''
  return url.href.replace(/^([a-z][a-z\d+.-]*:\/\/)/i, `$1${REDACTED}@`)
}

function redactPathAndQuery(text: string): string {
  const [head, fragment] = splitOnce(text, '#')
  const [start, query] = splitOnce(head, '?')
  return (
    start +
    (query === undefined ? '' : `?${redactQuery(query)}`) +
    (fragment === undefined ? '' : `#${redactQuery(fragment)}`)
  )
}

/** Redacts the values of secret names in a query, without its `?`. */
function redactQuery(query: string): string {
  return query
    .split('&')
    .map((pair) => {
      const [name, value] = splitOnce(pair, '=')
      if (value === undefined) return pair
      if (isSecretName(decoded(name))) return `${name}=${REDACTED}`
      // An encoded URL, to return to after the login.
      const plain = decoded(value)
      const redacted = plain === value ? value : redactText(plain, () => REDACTED)
      return redacted === plain ? pair : `${name}=${redacted}`
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
