import { CrowdedTail } from '../journal/crowded-tail.ts'
import type { LogFiles, LogSource } from '../journal/log-files.ts'
import { NOT_KEPT } from '../tail/spool.ts'
import { type FileJson, fileJson } from './files-json.ts'

/** The most files that are described. */
const FILES_MAX = 50

/** Something to do about a file: the page says it in the language of the reader. */
export type Advice =
  /** The unit of a latency is in doubt. */
  | { readonly kind: 'unit'; readonly name: string; readonly lines: number }
  /** No line is a request. */
  | { readonly kind: 'no-request' }
  /** It has more files than are read. */
  | { readonly kind: 'crowded' }
  /** Some of its lines are counted but not kept. */
  | { readonly kind: 'not-kept'; readonly text: string }
  /** It could not be read to its end. */
  | { readonly kind: 'note'; readonly text: string }

/** A file in the panel of sources. */
export interface Source extends Omit<FileJson, 'hints' | 'formats'> {
  readonly advice: readonly Advice[]
}

/** The files that are read, those with trouble first. */
export interface Sources {
  readonly files: readonly Source[]
  /** How many files there are beyond the bound. */
  readonly more: number
  readonly all: number
  /** How many files have something that is not shown: unread lines, doubts, lines without a usable time. */
  readonly troubled: number
  /** Lines per second of all files. */
  readonly lines_per_second: number
  readonly restarts: number
}

/** Describes the files for the page. */
export function sourcesOf(files: LogFiles, now: number): Sources {
  const shown = files.all.filter(({ tail }) => tail.state !== 'same')
  const named = new Set(files.named)
  const ranked = shown.map((source) => ({ source, rank: rankOf(source, named) }))
  ranked.sort((a, b) => b.rank - a.rank || a.source.tail.path.localeCompare(b.source.tail.path))
  return {
    files: ranked.slice(0, FILES_MAX).map(({ source }) => sourceOf(source, now)),
    more: Math.max(0, shown.length - FILES_MAX),
    all: shown.length,
    troubled: ranked.filter(({ rank }) => rank > 1).length,
    lines_per_second: shown.reduce((sum, { log }) => sum + log.facts.linesPerSecond(now), 0),
    restarts: shown.reduce((sum, { tail }) => sum + tail.restarts, 0),
  }
}

function sourceOf(source: LogSource, now: number): Source {
  const { hints: _, formats: __, ...file } = fileJson(source, now)
  return { ...file, advice: adviceOf(source) }
}

function adviceOf({ log, tail }: LogSource): readonly Advice[] {
  const { facts, doubts } = log
  // Without requests, no latency is missing.
  const inDoubt = facts.requests === 0 ? [] : [...doubts]
  const advice: Advice[] = inDoubt.map(([name, lines]) => ({ kind: 'unit', name, lines }))
  if (facts.recognised > 0 && facts.requests === 0) advice.push({ kind: 'no-request' })
  if (tail instanceof CrowdedTail) advice.push({ kind: 'crowded' })
  else if (tail.note?.startsWith(NOT_KEPT)) advice.push({ kind: 'not-kept', text: tail.note })
  else if (tail.note !== undefined) advice.push({ kind: 'note', text: tail.note })
  return advice
}

/** How much of a file is not shown. Up to 1, nothing has to be done. */
function rankOf({ log, tail }: LogSource, named: ReadonlySet<string>): number {
  const { facts } = log
  if (tail.state === 'unreadable' || tail instanceof CrowdedTail) return 6
  if (facts.read > 0 && facts.recognised === 0) return 5
  // Old files of a directory are deleted all the time.
  if (tail.state === 'waiting' && (facts.read === 0 || named.has(tail.path))) return 4
  if (facts.unread !== undefined) return 3
  if (log.doubts.size > 0 || tail.note !== undefined || facts.untimed > 0 || facts.ahead > 0) return 2
  // Lines without requests are usual: not every program serves requests.
  return facts.late > 0 || tail.restarts > 0 || facts.requests === 0 ? 1 : 0
}
