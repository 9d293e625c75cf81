import type { Target } from '../shop/target.ts'
import type { Dependency } from './dependency.ts'
import { grouped } from './grouped.ts'
import { Ledger } from './ledger.ts'
import { Locks } from './locks.ts'
import type { Row, RowResult } from './row.ts'
import { Pending, type Shared, Walk } from './walk.ts'

/** Options of {@link walkRows}. */
export interface WalkOptions {
  /** Stops the walk early; unfinished rows differ. */
  readonly signal: AbortSignal
  /** Called for each row in the order of the rows, as soon as it and all rows before it have ended. */
  readonly onResult: (result: RowResult) => void
}

/** Runs all rows: first the lanes concurrently, then the rows that run alone. Results have the order of the rows. */
export async function walkRows(rows: readonly Row[], target: Target, options: WalkOptions): Promise<RowResult[]> {
  const shared: Shared = { target, locks: new Locks<Dependency>(), ledger: new Ledger(), signal: options.signal }
  const results = new Map<Row, RowResult>()
  let reported = 0
  const report = (): void => {
    for (; reported < rows.length; reported += 1) {
      const row = rows[reported]
      const result = row === undefined ? undefined : results.get(row)
      if (result === undefined) return
      options.onResult(result)
    }
  }
  const walkLane = async (lane: readonly Row[]): Promise<void> => {
    for (const row of lane) {
      const result = await walkRow(row, shared)
      results.set(row, result)
      report()
    }
  }
  const lanes = grouped(
    rows.filter((row) => row.alone !== true),
    (row) => row.lane ?? row.id.slice(0, 3),
  )
  await Promise.all([...lanes.values()].map(walkLane))
  await walkLane(rows.filter((row) => row.alone === true))
  return rows.flatMap((row) => results.get(row) ?? [])
}

async function walkRow(row: Row, shared: Shared): Promise<RowResult> {
  const walk = new Walk(shared)
  const started = performance.now()
  const reasons: string[] = []
  let isPending = false
  try {
    shared.signal.throwIfAborted()
    if (row.ownShop === true && shared.target.own === undefined) walk.pending('runs only without --url')
    if (row.uses === undefined) await row.walk(walk)
    else await walk.holding(row.uses, () => row.walk(walk))
  } catch (error) {
    isPending = error instanceof Pending
    reasons.push(whyOf(error, shared.signal))
  }
  // Clears the faults that a row has set outside `holding`.
  await walk.clearFaults()
  const details = [...walk.details, ...reasons]
  const differs = walk.details.length > 0 || (reasons.length > 0 && !isPending)
  const verdict = differs ? 'differs' : isPending ? 'pending' : 'holds'
  return { id: row.id, name: row.name, verdict, ...walk.shown, details, ms: Math.round(performance.now() - started) }
}

function whyOf(error: unknown, signal: AbortSignal): string {
  if (error instanceof Pending) return error.message
  if (signal.aborted && error === signal.reason) return `stopped before its end: ${String(signal.reason)}`
  return `the check itself failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}
