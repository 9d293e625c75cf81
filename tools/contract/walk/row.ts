import type { Service, WireRequest } from '../wire/request.ts'
import type { Expectation } from './expectation.ts'
import type { Walk } from './walk.ts'

/** A dependency that a row may want for itself, so that no other row breaks it meanwhile. */
export type Dependency = Extract<Service, 'flaky' | 'product' | 'inventory'>

/** Where a row stands among the others. Rows of one lane go one after the other, lanes go side by side. */
export interface RowOptions {
  /** The rows of this lane follow each other; rows without a lane are in the one of their section. */
  readonly lane?: string
  /** Dependencies that the row has for itself from its beginning to its end. */
  readonly uses?: readonly Dependency[]
  /** Disturbs all others: walked alone, after all lanes, in the order of the list. */
  readonly alone?: boolean
  /** Walked only with a shop that the walk has started itself. */
  readonly ownShop?: boolean
}

/** One promise of the contract, with the number that it has there. */
export interface Row extends RowOptions {
  readonly id: string
  readonly name: string
  readonly walk: (walk: Walk) => Promise<void>
}

/** A row that one request decides. */
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

/** A row that takes several steps. */
export function scenario(id: string, name: string, walk: (walk: Walk) => Promise<void>, options: RowOptions = {}): Row {
  return { id, name, walk, ...options }
}

/** A row that nobody can walk yet, and why. */
export function pending(id: string, name: string, why: string): Row {
  return { id, name, walk: async (walk) => walk.pending(why) }
}

/** How a row went. */
export interface RowResult {
  readonly id: string
  readonly name: string
  readonly verdict: 'holds' | 'differs' | 'pending'
  readonly request: string
  readonly expected: string
  readonly got: string
  /** Each difference, or why the row is pending. */
  readonly details: readonly string[]
  readonly ms: number
}
