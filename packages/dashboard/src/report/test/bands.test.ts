import { expect, it } from 'vitest'
import { bandsOf } from '../bands.ts'
import type { LaneChange } from '../lanes.ts'

const RANGE = { from: 1_000, to: 9_000 }

function change(at: number, from: string, to: string): LaneChange {
  const nothing = { traceId: undefined, reason: undefined, failures: undefined, calls: undefined, error: undefined }
  return { at, from, to, ...nothing }
}

it('gives a lane one band for each state, from the start of the range to its end', () => {
  const changes = [change(3_000, 'closed', 'open'), change(5_000, 'open', 'half-open')]
  expect(bandsOf({ before: 'closed', changes }, RANGE)).toEqual([
    { from: 1_000, to: 3_000, state: 'closed' },
    { from: 3_000, to: 5_000, state: 'open' },
    { from: 5_000, to: 9_000, state: 'half-open' },
  ])
})

it('gives no band where the log does not say the state', () => {
  const changes = [change(3_000, '', 'open'), change(5_000, 'open', '')]
  expect(bandsOf({ before: '', changes }, RANGE)).toEqual([{ from: 3_000, to: 5_000, state: 'open' }])
})
