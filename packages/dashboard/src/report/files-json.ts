import type { FileLog } from '../journal/file-log.ts'
import type { LogFiles, LogSource } from '../journal/log-files.ts'

/** What is known about a file in the JSON API. */
export interface FileJson {
  readonly path: string
  /** `waiting`, `reading`, `read` to its end, or `unreadable`. */
  readonly state: string
  /** How many times it was truncated. */
  readonly restarts: number
  /** The most frequent format, such as `pino` or `pino in docker`. Null while nothing is recognised. */
  readonly format: string | null
  /** The number of lines in each format. */
  readonly formats: Readonly<Record<string, number>>
  readonly read: number
  readonly recognised: number
  readonly requests: number
  readonly malformed: number
  readonly late: number
  readonly ahead: number
  /** By how many milliseconds the latest of these lines was ahead. */
  readonly ahead_ms: number
  readonly untimed: number
  readonly lines_per_second: number
  /** An example of a line that was not recognised, and why. */
  readonly unread: {
    readonly example: string
    readonly reason: string
    readonly hint: string
    readonly lines: number
  } | null
  /** What to do about what is not shown: flags of the command line, mostly. */
  readonly hints: readonly string[]
}

/** Describes all files. A file under a second name is described once. */
export function filesJson(files: LogFiles, now: number): readonly FileJson[] {
  return files.all.filter(({ tail }) => tail.state !== 'same').map((source) => fileJson(source, now))
}

/** Describes one file. */
export function fileJson({ log, tail }: LogSource, now: number): FileJson {
  const { facts } = log
  return {
    path: tail.path,
    state: tail.state,
    restarts: tail.restarts,
    format: formatName(log),
    formats: Object.fromEntries(facts.formats),
    read: facts.read,
    recognised: facts.recognised,
    requests: facts.requests,
    malformed: facts.malformed,
    late: facts.late,
    ahead: facts.ahead,
    ahead_ms: facts.aheadMs,
    untimed: facts.untimed,
    lines_per_second: facts.linesPerSecond(now),
    unread: facts.unread ?? null,
    hints: tail.note === undefined ? hintsOf(log) : [tail.note, ...hintsOf(log)],
  }
}

/** Names the format of a file: what most of its lines are, and what is around most of them. */
function formatName({ facts, wrappers }: FileLog): string | null {
  const [most] = facts.formats
  if (most === undefined) return facts.unread === undefined ? null : (FILE_KINDS.get(facts.unread.reason) ?? null)
  const [wrapper, lines = 0] = [...wrappers].sort(([, a], [, b]) => b - a)[0] ?? []
  return wrapper === undefined || wrapper === most[0] || lines * 2 < facts.recognised
    ? most[0]
    : `${most[0]} in ${wrapper}`
}

/** Files that are named for what they are, although no line of them is a log line. */
const FILE_KINDS: ReadonlyMap<string, string> = new Map([
  ['utf-16', 'UTF-16'],
  ['binary', 'binary'],
  ['pretty-json', 'pretty-printed JSON'],
  ['json-array', 'JSON array'],
  ['journal-export', 'journal export'],
])

function hintsOf({ facts, doubts }: FileLog): readonly string[] {
  const hints: string[] = []
  for (const [name, lines] of doubts) {
    hints.push(
      `the unit of \`${name}\` is not certain: declare it with --field latency=${name}:ms (or s, us, ns); requests without a latency for this reason: ${lines}`,
    )
  }
  const { unread } = facts
  if (unread !== undefined && unread.lines > 0)
    hints.push(`${unread.lines === 1 ? '1 line is' : `${unread.lines} lines are`} ${unread.hint}`)
  if (facts.recognised > 0 && facts.requests === 0)
    hints.push('no line has a status: if requests are logged, name the field with --field status=NAME')
  return hints
}
