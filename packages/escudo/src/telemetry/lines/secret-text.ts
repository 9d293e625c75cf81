import { isSecretName, MAY_BE_SECRET } from '../../core/secret-names.ts'
import { decoded, REDACTED, redactPairs } from './secret-pairs.ts'

export { REDACTED } from './secret-pairs.ts'

const URL_START = /^[\0- ]*[a-z][a-z\d+.-]{0,30}:/i
// The user info of a URL inside other text. The bounds keep the search linear.
const USER_INFO =
  /((?<![a-z\d+.\\/-])(?:[a-z][a-z\d+.-]{0,30}:)?[\\/]{2,})(?:[^\s\\/?#:@"'<>]*:[^\s\\/?#]*|[^\s\\/?#]*)@/gi
// A password that was not encoded holds any character. A number after the host is its port.
const UNENCODED_USER_INFO = /([a-z][a-z\d+.-]{0,30}:\/\/)[^\s\\/?#:@"'<>]{0,256}:(?!\d{1,5}[/?#])[^\s"'<>]{1,256}@/gi
// Credentials without the name of their header. They hold a digit; `basic authentication` does not.
const CREDENTIALS = /\b((?:bearer|basic)[ \t]+)(?=[a-z.~+/_-]*[\d=])[\w.~+/=-]{8,}/gi

/**
 * Replaces the secrets in text: the user info of URLs, and the values of secret names in queries, forms, headers and
 * JSON.
 *
 * @param json redacts a parsed JSON value and returns its text
 */
export function redactText(text: string, json: (value: unknown) => string): string {
  const hasUserInfo = text.includes('@') && text.includes(':')
  const hasNames = (MAY_BE_SECRET.test(text) && /[=:,<]|--/.test(text)) || (text.includes('%') && text.includes('='))
  const hasCredentials = text.includes(' ') && CREDENTIALS.test(text)
  CREDENTIALS.lastIndex = 0
  if (!hasUserInfo && !hasNames && !hasCredentials) return text
  const plain = hasNames ? redactJson(text, json) : text
  const url = urlOf(plain)
  // A path with its query, as in `request.url`, is divided like a URL.
  const isWhole = url !== undefined || plain.startsWith('/') || plain.startsWith('?')
  const whole = isWhole ? redactPathAndQuery(url === undefined ? plain : withoutUserInfo(url, plain)) : plain
  // A value may hold a further URL.
  const withoutUsers = whole.replace(USER_INFO, `$1${REDACTED}@`).replace(UNENCODED_USER_INFO, `$1${REDACTED}@`)
  return redactPairs(withoutUsers).replace(CREDENTIALS, `$1${REDACTED}`)
}

/** Redacts the JSON that a text is or holds. */
function redactJson(text: string, json: (value: unknown) => string): string {
  const start = text.search(/[{[]/)
  if (start === -1) return text
  const end = Math.max(text.lastIndexOf('}'), text.lastIndexOf(']')) + 1
  const parsed = parse(text.slice(start, end))
  return parsed === undefined ? text : text.slice(0, start) + json(parsed.value) + text.slice(end)
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

function splitOnce(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}
