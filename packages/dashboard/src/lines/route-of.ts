import type { LogLine } from './log-line.ts'

const ROUTE_CHARACTERS_MAX = 120
const SEGMENTS_MAX = 12
/** Names are shorter. */
const SEGMENT_CHARACTERS_MAX = 80
const KNOWN_MAX = 4_096
const known = new Map<string, string>()

/** What replaces a segment of a path that names one thing out of many. */
const ID = '{id}'
const DIGITS = /^\d+$/
const UUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i
/** Hashes, and ids of databases. */
const HEX = /^(?=.*\d)[\da-f]{8,}$/i
/** Long ids such as ULIDs and tokens: digits and letters mixed. */
const TOKEN = /^(?=(?:.*\d){3})(?=.*[a-z])[\w~.-]{16,}$/i
/** `order-12345`, `INV_2026_0042`. */
const NUMBERED = /^[a-z]+(?:[-_][a-z]*)*[-_]?\d{3,}(?:[-_]\d+)*$/i
const ADDRESS = /^[^@]+@[^@]+\.[^@]+$/

/** Returns the route of a request: as its line names it, else its path with ids replaced by `{id}`. */
export function routeOf({ route, path }: LogLine): string | undefined {
  if (route !== undefined) return clipped(route)
  if (path === undefined) return undefined
  // The same short paths come again and again.
  const before = known.get(path)
  if (before !== undefined) return before
  const result = clipped(templated(path))
  if (known.size >= KNOWN_MAX) known.clear()
  known.set(path, result)
  return result
}

function templated(path: string): string {
  const end = path.search(/[?#]/)
  const segments = (end === -1 ? path : path.slice(0, end)).split('/')
  const named = segments.slice(0, SEGMENTS_MAX).map((segment) => (isId(segment) ? ID : segment))
  return segments.length > SEGMENTS_MAX ? [...named, '…'].join('/') : named.join('/')
}

function isId(segment: string): boolean {
  if (segment.length > SEGMENT_CHARACTERS_MAX) return true
  return [DIGITS, UUID, HEX, TOKEN, NUMBERED, ADDRESS].some((pattern) => pattern.test(segment))
}

function clipped(text: string): string {
  return text.length > ROUTE_CHARACTERS_MAX ? `${text.slice(0, ROUTE_CHARACTERS_MAX - 1).toWellFormed()}…` : text
}
