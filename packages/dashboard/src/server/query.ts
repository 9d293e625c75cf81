import { instantOf } from '../lines/log-time.ts'
import { DEFAULT_RANGE_S, RANGES } from '../report/ranges.ts'
import type { Range } from '../report/summary.ts'

/** What is wrong with a query, in one line. */
export class QueryError extends Error {
  override readonly name = 'QueryError'
}

/**
 * Reads `from` and `to`: dates, or numbers since 1970. One of them alone is open on the other side.
 *
 * @throws QueryError for what is no date, or an end that is not behind the beginning
 */
export function rangeOfQuery(query: URLSearchParams): Range | undefined {
  const from = timeOf(query, 'from')
  const to = timeOf(query, 'to')
  if (from === undefined && to === undefined) return undefined
  const range = { from: from ?? 0, to: to ?? Date.now() + 1 }
  if (range.to <= range.from) throw new QueryError('`to` must be later than `from`')
  return range
}

/**
 * Reads `range`: seconds, one of those that the page offers.
 *
 * @throws QueryError for anything else
 */
export function secondsOfQuery(query: URLSearchParams): number {
  const asked = query.get('range')
  if (asked === null) return DEFAULT_RANGE_S
  const seconds = Number(asked)
  if (!RANGES.has(seconds)) throw new QueryError(`\`range\` is one of ${[...RANGES.keys()].join(', ')} seconds`)
  return seconds
}

function timeOf(query: URLSearchParams, name: string): number | undefined {
  const asked = query.get(name)
  if (asked === null || asked === '') return undefined
  // A plus that nobody encoded means a zone: `10:00:00+02:00`.
  const time = instantOf(asked.replace(' ', '+')) ?? instantOf(asked)
  if (time === undefined) throw new QueryError(`\`${name}\` takes a date or a number since 1970`)
  return time.at
}
