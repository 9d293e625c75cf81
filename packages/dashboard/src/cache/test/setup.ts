import { LogFiles } from '../../journal/log-files.ts'
import { UNDECLARED } from '../../lines/reader/line-reader.ts'
import { summarize } from '../../report/summary.ts'
import { DEFAULT_THRESHOLDS } from '../../verdict/thresholds.ts'
import { StateCache } from '../state-cache.ts'

export const NOW = Date.now()

/** A run of the dashboard on some files. */
export interface Run {
  readonly files: LogFiles
  readonly cache: StateCache
  readonly problems: readonly string[]
  /** Whether it went on from a stored state. */
  readonly hasRestored: boolean
}

/** Begins a run, and reads nothing yet. */
export async function begin(paths: readonly string[], folder: string): Promise<Run> {
  const files = new LogFiles(paths, undefined, () => NOW)
  const problems: string[] = []
  const cache = new StateCache(files, {
    ...{ folder, paths, declared: UNDECLARED, thresholds: DEFAULT_THRESHOLDS, bytesMin: 0 },
    report: (problem) => problems.push(problem),
  })
  const hasRestored = await cache.restore()
  return { files, cache, problems, hasRestored }
}

/** Runs until all is read, stores the state and ends. Returns what was counted. */
export async function run(paths: readonly string[], folder: string): Promise<Run & { readonly counted: unknown }> {
  const begun = await begin(paths, folder)
  await begun.files.readAll()
  const counted = countedBy(begun.files)
  begun.cache.end()
  await begun.files.end()
  return { ...begun, counted }
}

/** What a run without a cache counts. */
export async function fresh(paths: readonly string[]): Promise<unknown> {
  const files = new LogFiles(paths, undefined, () => NOW)
  await files.readAll()
  const counted = countedBy(files)
  await files.end()
  return counted
}

/** Which service calls which depends a little on the order of reading: a request waits for its caller among the last 16,384. */
export function withoutCalls(counted: unknown): unknown {
  const { edges: _, summary, slots, ...rest } = counted as ReturnType<typeof countedBy>
  const { entries: _e, hops: _h, by_route: _r, by_service: _s, ...totals } = summary
  return { ...rest, totals, slots: slots.map((tier) => tier.map(([at, counts, , p90]) => [at, counts, p90])) }
}

/** All that was counted and listed, in whatever order it was read. */
export function countedBy(files: LogFiles) {
  const { journal } = files
  const { files: each, ...summary } = summarize(files)
  const slots = [1_000, 10_000, 60_000].map((stepMs) =>
    [...journal.named.between(stepMs, 0, NOW + 60_000)]
      .map(([at, { cells, hops, latency }]) => [
        at,
        [...cells.values()].map(({ count }) => count).sort(),
        hops?.size,
        latency.percentile(0.9),
      ])
      .sort(([a], [b]) => Number(a) - Number(b)),
  )
  return {
    summary,
    slots,
    formats: each.map(({ format }) => format),
    services: journal.services.all
      .map(({ name, lastLineAt, lastRequestAt, processes }) => [name, lastLineAt, lastRequestAt, processes.all.length])
      .sort(),
    edges: journal.services.edges.all.map(({ caller, callee, total }) => [caller.name, callee.name, total]).sort(),
    errors: journal.errors.items.length,
    groups: journal.errorGroups.all
      .map(({ service, code, template, firstAt, lastAt }) => [service, code, template, firstAt, lastAt])
      .sort(),
    tail: journal.tail.items.map(({ at, text, traceId }) => [at, text, traceId]),
  }
}
