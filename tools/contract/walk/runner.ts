import type { Target } from '../shop/target.ts'
import { grouped } from './grouped.ts'
import { Ledger } from './ledger.ts'
import { Locks } from './locks.ts'
import type { Dependency, Row, RowResult } from './row.ts'
import { Pending, type Shared, Walk } from './walk.ts'

/** How a walk is made. */
export interface WalkOptions {
  /** Ends the walk early; rows that were not walked by then differ. */
  readonly signal: AbortSignal
  /** Is told of each row, in the order of the rows: as soon as it and all before it have ended. */
  readonly onResult: (result: RowResult) => void
}

/** Walks all rows: lanes side by side, then what disturbs others. The results come in the order of the rows. */
export async function walkRows(rows: readonly Row[], target: Target, options: WalkOptions): Promise<RowResult[]> {
  const shared: Shared = { target, locks: new Locks<Dependency>(), ledger: new Ledger(), signal: options.signal }
  const results = new Map<Row, RowResult>()
  let told = 0
  const tell = (): void => {
    for (; told < rows.length; told += 1) {
      const row = rows[told]
      const result = row === undefined ? undefined : results.get(row)
      if (result === undefined) return
      options.onResult(result)
    }
  }
  const walkLane = async (lane: readonly Row[]): Promise<void> => {
    for (const row of lane) {
      const result = await walkRow(row, shared)
      results.set(row, result)
      tell()
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
    if (row.ownShop === true && shared.target.own === undefined) walk.pending('only with a shop of its own (no --url)')
    if (row.uses === undefined) await row.walk(walk)
    else await walk.holding(row.uses, () => row.walk(walk))
  } catch (error) {
    isPending = error instanceof Pending
    reasons.push(whyOf(error, shared.signal))
  }
  // A row that breaks something outside of `holding` mends it here.
  await walk.mend()
  const details = [...walk.details, ...reasons]
  const differs = walk.details.length > 0 || (reasons.length > 0 && !isPending)
  const verdict = differs ? 'differs' : isPending ? 'pending' : 'holds'
  return { id: row.id, name: row.name, verdict, ...walk.shown, details, ms: Math.round(performance.now() - started) }
}

function whyOf(error: unknown, signal: AbortSignal): string {
  if (error instanceof Pending) return error.message
  if (signal.aborted && error === signal.reason) return `not walked to its end: ${String(signal.reason)}`
  return `the check itself failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}
