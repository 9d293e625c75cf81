import type { WireRequest } from '../wire/request.ts'
import type { Dependency } from './dependency.ts'
import type { Expectation } from './expectation.ts'
import type { Walk } from './walk.ts'

/** How a row is scheduled. Rows of one lane run in sequence; lanes run concurrently. */
export interface RowOptions {
  /** The lane of the row; by default that of its section. */
  readonly lane?: string
  /** Dependencies that no other row may use while this row runs. */
  readonly uses?: readonly Dependency[]
  /** The row disturbs all others: it runs alone, after all lanes, in the order of the list. */
  readonly alone?: boolean
  /** The row runs only with a shop that this command has started. */
  readonly ownShop?: boolean
}

/** One row of the contract, with its number there. */
export interface Row extends RowOptions {
  readonly id: string
  readonly name: string
  readonly walk: (walk: Walk) => Promise<void>
}

/** Creates a row with a single request. */
export function exchange(
  id: string,
  name: string,
  request: WireRequest,
  expected: Expectation,
  options: RowOptions = {},
): Row {
  const walk = async (walk: Walk): Promise<void> => {
    await walk.ask(request, expected)
  }
  return { id, name, walk, ...options }
}

/** Creates a row with several steps. */
export function scenario(id: string, name: string, walk: (walk: Walk) => Promise<void>, options: RowOptions = {}): Row {
  return { id, name, walk, ...options }
}

/** Creates a row that cannot run yet, with the reason. */
export function pending(id: string, name: string, why: string): Row {
  return { id, name, walk: async (walk) => walk.pending(why) }
}

/** The result of a row. */
export interface RowResult {
  readonly id: string
  readonly name: string
  readonly verdict: 'holds' | 'differs' | 'pending'
  readonly request: string
  readonly expected: string
  readonly got: string
  /** The differences, or the reason for which the row is pending. */
  readonly details: readonly string[]
  readonly ms: number
}
