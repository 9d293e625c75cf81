import { instantOf } from '../lines/log-time.ts'
import { DEFAULT_RANGE_S, RANGES, ZOOM_S } from '../report/ranges.ts'
import { type Selection, selectionOf } from '../report/selection.ts'
import type { Range } from '../report/summary.ts'

const NAME_CHARACTERS_MAX = 300

/** An error for an invalid query. Its message is one line. */
export class QueryError extends Error {
  override readonly name = 'QueryError'
}

/**
 * Reads `from` and `to`: dates, or numbers since 1970. A missing one leaves that side of the range open.
 *
 * @throws QueryError for an invalid date, or when `to` is not later than `from`
 */
export function rangeOfQuery(query: URLSearchParams, now: number): Range | undefined {
  const from = timeOf(query, 'from')
  const to = timeOf(query, 'to')
  if (from === undefined && to === undefined) return undefined
  const range = { from: from ?? 0, to: to ?? now + 1 }
  if (range.to <= range.from) throw new QueryError('`to` must be later than `from`')
  return range
}

/**
 * Reads what a page shows: the range between `from` and `to` if both are given, else `range` in seconds until now.
 *
 * @throws QueryError for an invalid range, or one that is too short or too long
 */
export function viewOfQuery(query: URLSearchParams, now: number): number | Range {
  if (!query.has('from') || !query.has('to')) return secondsOfQuery(query)
  const zoom = rangeOfQuery(query, now)
  if (zoom === undefined) return secondsOfQuery(query)
  const seconds = (zoom.to - zoom.from) / 1_000
  if (seconds < ZOOM_S.min || seconds > ZOOM_S.max)
    throw new QueryError(`\`from\` and \`to\` must be ${ZOOM_S.min} seconds to ${ZOOM_S.max / 86_400} days apart`)
  return zoom
}

/**
 * Reads `range`: one of the ranges that the page offers, in seconds.
 *
 * @throws QueryError for anything else
 */
function secondsOfQuery(query: URLSearchParams): number {
  const value = query.get('range')
  if (value === null) return DEFAULT_RANGE_S
  const seconds = Number(value)
  if (!RANGES.has(seconds)) throw new QueryError(`\`range\` must be one of ${[...RANGES.keys()].join(', ')} seconds`)
  return seconds
}

/** Reads which requests a page is about: `service`, `route`, and `hops=1` to count requests between services too. */
export function selectionOfQuery(query: URLSearchParams): Selection {
  return selectionOf(nameOf(query, 'service'), nameOf(query, 'route'), query.get('hops') === '1')
}

function nameOf(query: URLSearchParams, name: string): string | undefined {
  const value = query.get(name)
  if (value === null || value === '') return undefined
  if (value.length > NAME_CHARACTERS_MAX)
    throw new QueryError(`\`${name}\` has at most ${NAME_CHARACTERS_MAX} characters`)
  return value
}

function timeOf(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name)
  if (value === null || value === '') return undefined
  // An unencoded plus of a zone (`10:00:00+02:00`) arrives as a space.
  const time = instantOf(value.replace(' ', '+')) ?? instantOf(value) ?? coarseTime(value)
  if (time === undefined) throw new QueryError(`\`${name}\` must be a date or a number since 1970`)
  return time.at
}

/** A year, a month, or a small number of seconds: a person may ask for them, but a log does not write them as a time. */
function coarseTime(value: string): { readonly at: number } | undefined {
  if (/^\d{4}(?:-(?:0[1-9]|1[0-2]))?$/.test(value)) return { at: Date.parse(value) }
  return /^\d{1,9}$/.test(value) ? { at: Number(value) * 1_000 } : undefined
}
