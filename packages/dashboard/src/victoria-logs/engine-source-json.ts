import type { FileJson } from '../report/files-json.ts'
import type { Waiting } from '../report/health.ts'
import type { Sources } from '../report/sources.ts'
import type { Summary } from '../report/summary.ts'
import type { EngineState } from './engine-state.ts'

/** What is known about all lines. */
export interface LineTotals {
  readonly lines: number
  readonly requests: number
  readonly probes: number
  readonly linesPerSecond: number
}

export const NO_LINES: LineTotals = { lines: 0, requests: 0, probes: 0, linesPerSecond: 0 }

/** Describes the engine as the only file. */
export function engineFile({ json }: EngineState, { lines, requests, linesPerSecond }: LineTotals): FileJson {
  const format = `VictoriaLogs${json.version === null ? '' : ` ${json.version}`}`
  return {
    path: json.url,
    state: json.state === 'unreachable' ? 'unreadable' : 'reading',
    restarts: 0,
    format,
    formats: { [format]: lines },
    read: lines,
    recognised: lines,
    requests,
    malformed: 0,
    late: 0,
    ahead: 0,
    ahead_ms: 0,
    untimed: 0,
    lines_per_second: linesPerSecond,
    unread: null,
    hints: hintsOf(json.state, json.missing, json.message),
  }
}

function hintsOf(state: string, missing: readonly string[], message: string | null): readonly string[] {
  if (state === 'partial') return [`the lines of these storage nodes are missing: ${missing.join(', ')}`]
  return message === null ? [] : [message]
}

/** Describes the engine in the panel of sources. */
export function engineSources(state: EngineState, totals: LineTotals): Sources {
  const { hints: _, formats: __, ...file } = engineFile(state, totals)
  const isTroubled = state.json.state !== 'whole'
  return {
    files: [{ ...file, advice: totals.lines > 0 && totals.requests === 0 ? [{ kind: 'no-request' }] : [] }],
    more: 0,
    all: 1,
    troubled: isTroubled ? 1 : 0,
    lines_per_second: totals.linesPerSecond,
    restarts: 0,
  }
}

/** Counts lines as those of files are counted: the engine knows of no line that it could not read. */
export function engineLines(lines: number): Summary['lines'] {
  return { read: lines, recognised: lines, malformed: 0, late: 0, ahead: 0, untimed: 0 }
}

/** Says why there is no verdict. */
export function engineWaiting(state: EngineState, totals: LineTotals): Waiting {
  const { path, state: read, format, recognised, unread, hints } = engineFile(state, totals)
  const isUnreachable = state.json.state === 'unreachable'
  const reason = totals.lines === 0 ? 'empty' : totals.probes > 0 ? 'only-health-checks' : 'no-request'
  return {
    reason: isUnreachable ? 'unreadable' : reason,
    lines: totals.lines,
    recognised: totals.lines,
    malformed: 0,
    health_checks: totals.probes,
    untimed: 0,
    files: [{ path, state: read, format, read: totals.lines, recognised, unread, hints }],
  }
}
