import type { LogFiles } from './log-files.ts'
import { Tally, type Totals } from './tally.ts'

/** The totals of some requests, as they leave the dashboard. */
export interface TotalsJson {
  readonly requests: number
  readonly client_errors: number
  readonly server_errors: number
  /** `mean` is null as long as no request told its latency. */
  readonly latency_ms: { readonly mean: number | null }
}

/** What `GET /api/summary` and `--once --json` give: everything that was read, however old. */
export interface Summary extends TotalsJson {
  readonly by_status: Readonly<Record<string, number>>
  readonly by_service: Readonly<Record<string, TotalsJson>>
  readonly lines: { readonly read: number; readonly malformed: number }
  readonly files: readonly { readonly path: string; readonly state: string; readonly restarts: number }[]
}

/** The summary of all files together. */
export function summarize(files: LogFiles): Summary {
  const all = new Tally()
  let read = 0
  let malformed = 0
  for (const { log } of files.all) {
    all.merge(log.requests)
    read += log.read
    malformed += log.malformed
  }
  return {
    ...json(all.all),
    by_status: Object.fromEntries([...all.byStatus].sort(([a], [b]) => a - b)),
    // fromEntries defines its keys: a service named __proto__ is a key like any other.
    by_service: Object.fromEntries([...all.byService].map(([service, totals]) => [service, json(totals)])),
    lines: { read, malformed },
    files: files.all.map(({ tail }) => ({ path: tail.path, state: tail.state, restarts: tail.restarts })),
  }
}

function json(totals: Totals): TotalsJson {
  return {
    requests: totals.requests,
    client_errors: totals.clientErrors,
    server_errors: totals.serverErrors,
    latency_ms: { mean: totals.latencies === 0 ? null : totals.latencyMsSum / totals.latencies },
  }
}
