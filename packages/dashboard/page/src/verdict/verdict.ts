import type { Column, Lane, Parts } from '../../../src/report/view.ts'

/** The verdict at the top of the page. */
export interface Verdict {
  readonly state: 'waiting' | 'healthy' | 'degraded' | 'failing'
  /** The affected service, if one is known. */
  readonly service: string | undefined
  readonly since: number | undefined
  /** Breakers that are not closed. */
  readonly breakers: readonly Lane[]
  /** The last server error of the range. */
  readonly lastError: number | undefined
}

/** The verdict covers this much of the end of the range. */
const NOW_MS = 60_000
/** A minute with at least this share of server errors is failing. With a smaller share it is degraded. */
const FAILING_SHARE = 0.05

/** Derives the verdict from the last minute of the range and the breakers that are not closed. */
export function verdictOf(parts: Pick<Parts, 'summary' | 'range' | 'lanes'>, columns: readonly Column[]): Verdict {
  const breakers = parts.lanes.filter(({ state }) => state !== 'closed' && state !== '')
  const failed = columns.filter(([, , , server]) => server > 0)
  const lastError = failed.at(-1)?.[0]
  const nowFrom = parts.range.to - NOW_MS
  const now = columns.filter(([at]) => at >= nowFrom)
  const responses = now.reduce((sum, [, good, client, server]) => sum + good + client + server, 0)
  const errors = now.reduce((sum, [, , , server]) => sum + server, 0)
  const worst = Object.entries(parts.summary.by_service).sort(([, a], [, b]) => b.server_errors - a.server_errors)[0]
  const service = worst !== undefined && worst[1].server_errors > 0 ? worst[0] : breakers[0]?.service
  const common = { service, breakers, lastError }
  if (parts.summary.requests === 0 && breakers.length === 0) return { ...common, state: 'waiting', since: undefined }
  if (errors > 0) {
    const state = errors / responses >= FAILING_SHARE ? 'failing' : 'degraded'
    return { ...common, state, since: episodeStart(failed, Math.max(NOW_MS, parts.range.stepMs * 2)) }
  }
  if (breakers.length > 0)
    return { ...common, service: breakers[0]?.service, state: 'degraded', since: breakers[0]?.since }
  return { ...common, state: 'healthy', since: undefined }
}

/** Returns when the current errors began. A pause longer than `pauseMs` separates them from earlier ones. */
function episodeStart(failed: readonly Column[], pauseMs: number): number | undefined {
  let start: number | undefined
  for (const [at] of failed.toReversed()) {
    if (start !== undefined && start - at > pauseMs) break
    start = at
  }
  return start
}
