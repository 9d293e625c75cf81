import type { SearchEnd, SearchOptions } from '../search/history.ts'
import { matches } from '../search/matches.ts'
import { boundsOf } from '../search/query.ts'
import { searchLineOf, subjectOf } from '../search/search-line.ts'
import type { EngineClient, Row } from './engine-client.ts'
import type { EngineFields } from './engine-fields.ts'
import type { EngineLines } from './engine-line.ts'
import type { LinePlaces } from './line-places.ts'
import { filterOf } from './query-filter.ts'

const DAY_MS = 86_400_000
/** The engine is asked for more lines than are wanted, because a few of them may not match. */
const LINES_MIN = 200

/** Where a search continues: with lines up to a time, without those of that time that were found. */
interface Position {
  /** In nanoseconds, as the engine writes it. */
  readonly to: string
  readonly found: ReadonlySet<string>
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
  const earliest = Math.max(boundsOf(terms).from, 0)
  let position = from as Position | undefined
  let found = 0
  onProgress?.({ read: 0, all: 1 })
  for (;;) {
    const wanted = Math.max(LINES_MIN, limit - found) + (position?.found.size ?? 0)
    const until = position?.to ?? new Date(now + 2 * DAY_MS).toISOString()
    const time = `_time:[${new Date(earliest).toISOString()}, ${until}]`
    const left = Math.max(1_000, endsMs - performance.now())
    const rows = await client.rows(`${time} ${filter}`, { limit: wanted, signal, timeoutMs: left })
    const sorted = [...rows].sort((a, b) => compareTimes(b['_time'] ?? '', a['_time'] ?? ''))
    for (const row of sorted) {
      const text = JSON.stringify(row)
      if (position?.found.has(text)) continue
      if (found >= limit) return { next: position, isPartial: client.missing.length > 0 }
      position = after(position, row, text)
      const line = lines.read(row)
      if (line === undefined || !matches(subjectOf(line.line, line.service), terms)) continue
      onLine(searchLineOf(line.line, line.service, line.file, places.add(row)))
      found += 1
    }
    if (rows.length < wanted) return { next: undefined, isPartial: client.missing.length > 0 }
    if (performance.now() >= endsMs) return { next: position, isPartial: client.missing.length > 0 }
  }
}

function after(position: Position | undefined, row: Row, text: string): Position {
  const to = row['_time'] ?? ''
  return { to, found: new Set([...(position?.to === to ? position.found : []), text]) }
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
