import type { LogFiles } from '../journal/log-files.ts'
import { BlockReader } from './block-reader.ts'
import { LogScan, type Position } from './log-scan.ts'
import type { Term } from './query.ts'
import type { SearchLine } from './search-line.ts'
import { TimeSlice } from './time-slice.ts'

const PROGRESS_MS = 100

/** Where a search continues: a position for each file, by its number. */
type Positions = ReadonlyMap<number, Position>

/** How far a search is. */
export interface Progress {
  /** Bytes that were searched. */
  readonly read: number
  readonly all: number
}

/** What to search for, and where the results go. */
export interface SearchOptions {
  readonly terms: readonly Term[]
  /** The most lines to find. */
  readonly limit: number
  /** Where an earlier search of the same source ended; undefined to begin with the newest lines. */
  readonly from: unknown
  /** Cancels the search. */
  readonly signal: AbortSignal
  /** After this time it ends with what was found. */
  readonly timeoutMs: number
  readonly onLine: (line: SearchLine) => void
  readonly onProgress?: (progress: Progress) => void
}

/** How a search ended. */
export interface SearchEnd {
  /** Where to continue, as the source knows it; undefined if all was searched. */
  readonly next: unknown
  /** Whether a file was truncated or closed in the meantime, so that its lines are missing. */
  readonly isPartial: boolean
}

/**
 * Searches all files, also rotated ones, from their ends: the newest lines first.
 *
 * Lines of one file come in its order, the last one first. Several files are merged by the times of their lines.
 *
 * @throws the reason of the signal, once it is cancelled
 */
export async function searchHistory(files: LogFiles, options: SearchOptions): Promise<SearchEnd> {
  const { terms, limit, signal, timeoutMs, onLine, onProgress } = options
  const endsMs = performance.now() + timeoutMs
  const slice = new TimeSlice(signal)
  const blocks = new BlockReader()
  let isPartial = false
  const attempt = async (scan: LogScan, step: () => Promise<void>): Promise<void> => {
    try {
      if (scan.log.isGone) throw new Error('the file was truncated')
      await step()
    } catch (error) {
      signal.throwIfAborted()
      if (!scan.log.isGone && (error as NodeJS.ErrnoException).code === undefined) throw error
      isPartial = true
      scan.end()
    }
    if (slice.isOver) await slice.next()
  }
  let scans = scansOf(files, terms, options.from as Positions | undefined)
  for (const scan of scans) await attempt(scan, () => scan.peek(blocks))
  const all = scans.reduce((sum, scan) => sum + scan.bytesLeft, 0)
  let toldMs = Number.NEGATIVE_INFINITY
  const tell = (): void => {
    if (onProgress === undefined || performance.now() - toldMs < PROGRESS_MS) return
    toldMs = performance.now()
    onProgress({ read: all - scans.reduce((sum, scan) => sum + scan.bytesLeft, 0), all })
  }
  let found = 0
  for (;;) {
    signal.throwIfAborted()
    scans = scans.filter((scan) => !scan.isDone)
    const scan = newestOf(scans)
    if (scan === undefined || found >= limit || performance.now() >= endsMs) break
    if (scan.hasHit) {
      const line = scan.take()
      if (line !== undefined) onLine(line)
      found += 1
    } else {
      tell()
      await attempt(scan, () => scan.scan(blocks, limit - found, slice))
    }
  }
  toldMs = Number.NEGATIVE_INFINITY
  tell()
  const next = scans.length === 0 ? undefined : new Map(scans.map((scan) => [scan.log.number, scan.position]))
  return { next, isPartial }
}

function scansOf(files: LogFiles, terms: readonly Term[], from: Positions | undefined): readonly LogScan[] {
  const scans: LogScan[] = []
  for (const { log: source, tail } of files.all)
    for (const log of source.openLogs) {
      const isEnded = tail.state === 'read' || !source.isOpen(log)
      const begin = from === undefined ? undefined : from.get(log.number)
      if (from !== undefined && begin === undefined) continue
      const scan = new LogScan(source, log, terms, begin ?? { before: log.readTo, record: undefined })
      scan.mayGrow = !isEnded && begin === undefined
      if (!scan.isDone) scans.push(scan)
    }
  return scans
}

/** Of files with lines of the same time, one with a hit comes first. */
function newestOf(scans: readonly LogScan[]): LogScan | undefined {
  let best: LogScan | undefined
  for (const scan of scans)
    if (best === undefined || scan.newest > best.newest || (scan.newest === best.newest && scan.hasHit && !best.hasHit))
      best = scan
  return best
}
