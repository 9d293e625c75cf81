import type { Lane } from './lanes.ts'
import type { Range } from './summary.ts'

/** A span in which a breaker had one state. */
export interface Band extends Range {
  readonly state: string
}

/** Returns the states of a lane over a range. Where the log does not say the state, there is no band. */
export function bandsOf({ before, changes }: Pick<Lane, 'before' | 'changes'>, { from, to }: Range): readonly Band[] {
  const bands: Band[] = []
  let current = { from, state: before }
  for (const change of [...changes, { at: to, to: '' }]) {
    bands.push({ ...current, to: change.at })
    current = { from: change.at, state: 'state' in change ? (change.state ?? change.to) : change.to }
  }
  return bands.filter(({ state }) => state !== '')
}
