import type { SearchEnd, SearchOptions } from '../search/history.ts'
import { matches } from '../search/matches.ts'
import { boundsOf } from '../search/query.ts'
import { searchLineOf, subjectOf } from '../search/search-line.ts'
import type { EngineClient, Row } from './engine-client.ts'
import { EngineError } from './engine-error.ts'
import type { EngineFields } from './engine-fields.ts'
import type { EngineLines } from './engine-line.ts'
import type { LinePlaces } from './line-places.ts'
import { filterOf } from './query-filter.ts'

const DAY_MS = 86_400_000
/** The engine is asked for more lines than are wanted, because a few of them may not match. */
const LINES_MIN = 200

/** The newest part is searched first, and each older one is so many times as long as the one before. */
const FIRST_SPAN_MS = 300_000
const SPAN_FACTOR = 4
/** The progress is that of so much time: how old the oldest line is, is not known. */
const SHOWN_MS_MAX = 31 * DAY_MS

/** Where a search continues: with lines up to a time, without those of that time that were found. */
interface Position {
  /** In nanoseconds, as the engine writes it. */
  readonly to: string
  /** How often each row was found: rows may be equal in all their fields. */
  readonly found: ReadonlyMap<string, number>
}

/** The position of a search that is running. */
interface Current extends Position {
  readonly found: Map<string, number>
}

/**
 * Searches all lines of the engine, the newest first.
 *
 * The engine filters, and each line that it returns is compared with the query as a line of a file is.
 *
 * @throws the reason of the signal, once it is cancelled
 */
export async function searchEngine(
  client: EngineClient,
  fields: EngineFields,
  lines: EngineLines,
  places: LinePlaces,
  { terms, limit, from, signal, timeoutMs, onLine, onProgress }: SearchOptions,
  now: number,
): Promise<SearchEnd> {
  const endsMs = performance.now() + timeoutMs
  const filter = filterOf(terms, fields)
  const bounds = boundsOf(terms)
  const earliest = Math.max(bounds.from, 0)
  const begin = Math.min(bounds.to, now + 2 * DAY_MS)
  const last = from as Position | undefined
  // A copy: an earlier search can be continued again.
  let position: Current = { to: last?.to ?? new Date(begin).toISOString(), found: new Map(last?.found) }
  let spanMs = FIRST_SPAN_MS + (from === undefined && begin > now ? 2 * DAY_MS : 0)
  let found = 0
  const end = (next: Position | undefined): SearchEnd => ({ next, isPartial: client.missing.length > 0 })
  for (;;) {
    const until = Date.parse(position.to)
    // A position is within its millisecond.
    const since = Math.max(earliest, until + 1 - spanMs)
    const all = Math.max(1, Math.min(begin - earliest, SHOWN_MS_MAX))
    onProgress?.({ read: Math.min(Math.max(0, begin - until), all), all })
    const wanted = Math.max(LINES_MIN, limit - found) + sumOf(position.found)
    const leftMs = Math.max(1_000, endsMs - performance.now())
    const time = `_time:[${new Date(since).toISOString()}, ${position.to}]`
    const rows = await client.rows(`${time} ${filter}`, { limit: wanted, signal, timeoutMs: leftMs })
    const before = new Map(position.found)
    for (const row of [...rows].sort((a, b) => compareTimes(b['_time'] ?? '', a['_time'] ?? ''))) {
      const text = JSON.stringify(row)
      const left = before.get(text) ?? 0
      before.set(text, left - 1)
      if (left > 0) continue
      if (found >= limit) return end(position)
      position = after(position, row, text)
      const line = lines.read(row)
      if (line === undefined || !matches(subjectOf(line.line, line.service), terms)) continue
      onLine(searchLineOf(line.line, line.service, line.file, places.add(row)))
      found += 1
    }
    if (rows.length < wanted) {
      if (since <= earliest) return end(undefined)
      position = { to: new Date(since - 1).toISOString().replace('Z', '999999Z'), found: new Map() }
      spanMs *= SPAN_FACTOR
    }
    if (performance.now() >= endsMs) return end(position)
  }
}

/** Rows of the same time may be many: they are added to one map. */
function after(position: Current, row: Row, text: string): Current {
  const to = row['_time']
  if (to === undefined) throw new EngineError('failed', 'the engine sent a line without a time')
  const next = position.to === to ? position : { to, found: new Map<string, number>() }
  next.found.set(text, (next.found.get(text) ?? 0) + 1)
  return next
}

function sumOf(found: ReadonlyMap<string, number>): number {
  return [...found.values()].reduce((sum, count) => sum + count, 0)
}

/** Compares times of the same zone whose fractions have different lengths. */
function compareTimes(a: string, b: string): number {
  const [left, right] = [a.replace('Z', '').padEnd(30, '0'), b.replace('Z', '').padEnd(30, '0')]
  const [first, second] = [left.includes('.') ? left : whole(a), right.includes('.') ? right : whole(b)]
  return first < second ? -1 : first > second ? 1 : 0
}

function whole(time: string): string {
  return time.replace('Z', '.').padEnd(30, '0')
}
