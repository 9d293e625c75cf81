import type { LogLine } from './log-line.ts'

const ROUTE_CHARACTERS_MAX = 120
const SEGMENTS_MAX = 12
/** Names are shorter. */
const SEGMENT_CHARACTERS_MAX = 80

/** What replaces a segment of a path that names one thing out of many. */
const ID = '{id}'
const UUID_CHARACTERS = 36
/** Shorter hexadecimal texts may be words. */
const HEX_CHARACTERS_MIN = 8
/** Ids such as ULIDs and tokens are at least this long. */
const TOKEN_CHARACTERS_MIN = 16
const TOKEN_DIGITS_MIN = 3
/** `order-12345`, `INV_2026_0042`. */
const NUMBERED = /^[a-z]+(?:[-_][a-z]*)*[-_]?\d{3,}(?:[-_]\d+)*$/i
const ADDRESS = /^[^@]+@[^@]+\.[^@]+$/
const TOKEN = /^[\w~.-]+$/

const SLASH = 47
const QUESTION = 63
const HASH = 35
const AT = 64
const DASH = 45

/** Returns the route of a request: as its line names it, else its path with ids replaced by `{id}`. */
export function routeOf({ route, path }: Pick<LogLine, 'route' | 'path'>): string | undefined {
  if (route !== undefined) return clipped(route)
  return path === undefined ? undefined : clipped(templated(path))
}

/** Looks at each character once: this runs for every request. */
function templated(path: string): string {
  let result = ''
  let copied = 0
  let start = 0
  let segments = 0
  let end = path.length
  for (let at = 0; at <= end; at += 1) {
    const code = at === end ? SLASH : path.charCodeAt(at)
    if (code === QUESTION || code === HASH) end = at
    else if (code !== SLASH) continue
    if (segments === SEGMENTS_MAX) return `${result}${path.slice(copied, start)}…`
    if (isId(path, start, at)) {
      result += path.slice(copied, start) + ID
      copied = at
    }
    segments += 1
    start = at + 1
  }
  return copied === 0 && end === path.length ? path : result + path.slice(copied, end)
}

function isId(path: string, start: number, end: number): boolean {
  const length = end - start
  if (length > SEGMENT_CHARACTERS_MAX) return true
  let [digits, hexLetters, dashes, ats] = [0, 0, 0, 0]
  for (let at = start; at < end; at += 1) {
    const code = path.charCodeAt(at)
    if (code >= 48 && code <= 57) digits += 1
    else if ((code | 32) >= 97 && (code | 32) <= 102) hexLetters += 1
    else if (code === DASH) dashes += 1
    else if (code === AT) ats += 1
  }
  if (digits === 0) return ats === 1 && ADDRESS.test(path.slice(start, end))
  if (digits === length) return true
  if (digits + hexLetters === length && length >= HEX_CHARACTERS_MIN) return true
  if (digits + hexLetters + dashes === length && length === UUID_CHARACTERS) return true
  if (digits < TOKEN_DIGITS_MIN && ats !== 1) return false
  const segment = path.slice(start, end)
  if (ats === 1) return ADDRESS.test(segment)
  return NUMBERED.test(segment) || (length >= TOKEN_CHARACTERS_MIN && TOKEN.test(segment))
}

function clipped(text: string): string {
  return text.length > ROUTE_CHARACTERS_MAX ? `${text.slice(0, ROUTE_CHARACTERS_MAX - 1).toWellFormed()}…` : text
}
