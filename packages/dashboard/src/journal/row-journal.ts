import type { Cells } from '../counts/cells.ts'
import type { Timeline } from '../counts/timeline.ts'
import type { Services } from '../counts/watch/services.ts'
import type { LiveTail } from './live-tail.ts'

/** What rows are counted in: the parts of a journal that requests without an error need. */
export interface RowJournal {
  readonly clock: () => number
  readonly cells: Cells
  readonly named: Timeline
  readonly services: Services
  readonly liveTail: LiveTail
}
