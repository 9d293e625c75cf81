import type { Column, Lane, Parts } from '../../../src/report/view.ts'

/** What the page says first. */
export interface Verdict {
  readonly state: 'waiting' | 'healthy' | 'degraded' | 'failing'
  /** The service that it is about, where one can be named. */
  readonly service: string | undefined
  readonly since: number | undefined
  /** Breakers that are not closed. */
  readonly breakers: readonly Lane[]
  /** The last server error of the range. */
  readonly lastError: number | undefined
}

/** What counts as now. */
const NOW_MS = 60_000
/** From this share of server errors on, a minute is failing; below, it is degraded. */
const FAILING_SHARE = 0.05

/** The verdict: rules over the last minute of the range, and breakers that stand open. */
export function verdictOf(parts: Pick<Parts, 'summary' | 'range' | 'lanes'>, columns: readonly Column[]): Verdict {
  const breakers = parts.lanes.filter(({ state }) => state !== 'closed' && state !== '')
  const failed = columns.filter(([, , , server]) => server > 0)
  const lastError = failed.at(-1)?.[0]
  const nowFrom = parts.range.to - NOW_MS
  const now = columns.filter(([at]) => at >= nowFrom)
  const answers = now.reduce((sum, [, good, client, server]) => sum + good + client + server, 0)
  const errors = now.reduce((sum, [, , , server]) => sum + server, 0)
  const worst = Object.entries(parts.summary.by_service).sort(([, a], [, b]) => b.server_errors - a.server_errors)[0]
  const service = worst !== undefined && worst[1].server_errors > 0 ? worst[0] : breakers[0]?.service
  const common = { service, breakers, lastError }
  if (parts.summary.requests === 0 && breakers.length === 0) return { ...common, state: 'waiting', since: undefined }
  if (errors > 0) {
    const state = errors / answers >= FAILING_SHARE ? 'failing' : 'degraded'
    return { ...common, state, since: beginOf(failed, Math.max(NOW_MS, parts.range.stepMs * 2)) }
  }
  if (breakers.length > 0)
    return { ...common, service: breakers[0]?.service, state: 'degraded', since: breakers[0]?.since }
  return { ...common, state: 'healthy', since: undefined }
}

/** When the errors began that have not paused for longer than `pauseMs` since. */
function beginOf(failed: readonly Column[], pauseMs: number): number | undefined {
  let begin: number | undefined
  for (const [at] of failed.toReversed()) {
    if (begin !== undefined && begin - at > pauseMs) break
    begin = at
  }
  return begin
}
